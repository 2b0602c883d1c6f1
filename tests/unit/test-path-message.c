/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-path-message: form and size of the messages. */
#include "common/scope-error.h"
#include "common/scope-json.h"
#include "wire/scope-path-message.h"

#include <string.h>

/* Form of the messages. */
static void
test_messages (void)
{
  static const struct {
    const char *name;
    const char *body;
    const char *wrong; /* NULL: good */
  } cases[] = {
    { "path.pair", "{\"n\":0,\"way\":\"relayed\"}", NULL },
    { "path.pair", "{\"n\":7,\"in\":50,\"way\":\"direct\",\"hold\":1,\"ask\":true,\"answer\":true}", NULL },
    { "path.pair", "{\"n\":7,\"way\":\"via\",\"via\":\"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\","
                   "\"legs\":[\"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"]}", NULL },
    { "path.attach", "{\"n\":9007199254740991,\"in\":60000}", NULL },
    { "path.attached", "{\"n\":1,\"edges\":{\"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\":5}}", NULL },
    { "path.heard", "{\"n\":1,\"in\":\"x\"}", NULL },
    { "path.pair", "{\"way\":\"relayed\"}", "path.pair.n" },
    { "path.pair", "{\"n\":-1,\"way\":\"relayed\"}", "path.pair.n" },
    { "path.pair", "{\"n\":9007199254740992,\"way\":\"relayed\"}", "path.pair.n" },
    { "path.pair", "{\"n\":1}", "path.pair.way" },
    { "path.pair", "{\"n\":1,\"way\":\"round\"}", "path.pair.way" },
    { "path.pair", "{\"n\":1,\"way\":\"via\"}", "path.pair.via" },
    { "path.pair", "{\"n\":1,\"way\":\"direct\",\"in\":60001}", "path.pair.in" },
    { "path.pair", "{\"n\":1,\"way\":\"direct\",\"hold\":600001}", "path.pair.hold" },
    { "path.pair", "{\"n\":1,\"way\":\"direct\",\"ask\":1}", "path.pair.ask" },
    { "path.pair", "{\"n\":1,\"way\":\"direct\",\"legs\":[\"x\"]}", "path.pair.legs" },
    { "path.pair", "{\"n\":1,\"way\":\"direct\",\"legs\":[1,2,3,4,5,6,7,8,9]}", "path.pair.legs" },
    { "path.attached", "{\"n\":1}", "path.attached.edges" },
    { "path.attached", "{\"n\":1,\"edges\":{}}", "path.attached.edges" },
    { "path.attached", "{\"n\":1,\"edges\":{\"x\":5}}", "path.attached.edges" },
    { "path.attached", "{\"n\":1,\"edges\":{\"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\":\"5\"}}", "path.attached.edges" },
    { "path.other", "{\"n\":1}", "path.other" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (JsonObject) body = scope_json_parse_object (cases[i].body, strlen (cases[i].body), 4096, NULL);
      g_autoptr (JsonObject) again = NULL;
      g_autoptr (GError) error = NULL;
      ScopePathMessage message, reread;

      g_assert_nonnull (body);
      if (cases[i].wrong)
        {
          g_assert_false (scope_path_message_parse (&message, cases[i].name, body, &error));
          g_assert_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL);
          g_assert_nonnull (strstr (error->message, cases[i].wrong));
          continue;
        }
      g_assert_true (scope_path_message_parse (&message, cases[i].name, body, &error));
      g_assert_no_error (error);
      again = scope_path_message_format (&message);
      g_assert_true (scope_path_message_parse (&reread, scope_path_message_name (message.type), again, &error));
      g_assert_no_error (error);
      g_assert_cmpmem (&message, sizeof message, &reread, sizeof reread);
    }
}

/* The largest of each fits into a link message. */
static void
test_size (void)
{
  for (guint type = 0; scope_path_message_name (type); type++)
    {
      ScopePathMessage message = { .type = type, .n = SCOPE_PATH_MESSAGE_MAX_NUMBER, .in = 60000, .how = SCOPE_PATH_VIA,
                                   .hold = 600000, .ask = TRUE, .answer = TRUE,
                                   .n_legs = SCOPE_PATH_MESSAGE_MAX_LEGS, .n_edges = SCOPE_PATH_MESSAGE_MAX_EDGES };
      g_autoptr (JsonObject) body = NULL;
      g_autoptr (JsonNode) node = NULL;
      g_autofree char *text = NULL;

      for (guint i = 0; i < SCOPE_PATH_MESSAGE_MAX_EDGES; i++)
        {
          message.edges[i].key.bytes[0] = i + 1;
          message.edges[i].sequence = SCOPE_PATH_MESSAGE_MAX_NUMBER;
        }
      body = scope_path_message_format (&message);
      node = json_node_init_object (json_node_alloc (), body);
      text = json_to_string (node, FALSE);
      /* {"t":…,"d":…} with to, from and hops */
      g_assert_cmpuint (strlen (text) + 170, <=, 1200);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/path/messages", test_messages);
  g_test_add_func ("/path/size", test_size);
  return g_test_run ();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scopectl status: the networks that are up on this machine, as their services see them. */
#include "config.h"

#include "ctl/scopectl.h"

#include "common/scope-json.h"
#include "ctl/ctl-options.h"
#include "ctl/ctl-service.h"
#include "ctl/ctl-table.h"

#include <glib/gi18n-lib.h>

#define VERB "status"

static const char *
text_of (JsonObject *object, const char *member)
{
  const char *text = scope_json_get_string (object, member);

  return text ? text : "";
}

static gint64
number_of (JsonObject *object, const char *member)
{
  return json_object_get_int_member_with_default (object, member, -1);
}

/* An array of strings as "a, b" */
static char *
list_of (JsonObject *object, const char *member)
{
  JsonArray *array = scope_json_get_array (object, member);
  GString *out = g_string_new (NULL);

  for (guint i = 0; array && i < json_array_get_length (array); i++)
    g_string_append_printf (out, "%s%s", i ? ", " : "", json_array_get_string_element (array, i));
  return g_string_free (out, FALSE);
}

/* What the key with a peer is worth, in a word */
static const char *
key_of (JsonObject *peer)
{
  switch (number_of (peer, "peerKexPQ"))
    {
    case 3:
      return _ ("post-quantum");
    case 2:
      return _ ("being confirmed");
    case 1:
    case 0:
      return _ ("being made");
    default:
      return _ ("none");
    }
}

static void
add_peer (CtlTable *table, JsonObject *peer)
{
  g_autofree char *who = g_strndup (text_of (peer, "identity"), SCOPE_SHORT_NAME_LEN);
  g_autofree char *ranges = list_of (peer, "ranges");
  gint64 handshake = number_of (peer, "handshake");
  g_autofree char *seen = handshake < 0 ? g_strdup (_ ("never")) : g_strdup_printf (_ ("%d s ago"), (int) handshake);

  ctl_table_add (table, who);
  ctl_table_add (table, text_of (peer, "name"));
  ctl_table_add (table, text_of (peer, "role"));
  ctl_table_add (table, ranges);
  ctl_table_add (table, json_object_get_boolean_member_with_default (peer, "online", FALSE) ? _ ("online") : _ ("offline"));
  ctl_table_add (table, text_of (peer, "endpoint"));
  ctl_table_add (table, seen);
  ctl_table_add (table, key_of (peer));
}

static void
print (JsonObject *status)
{
  const char *const headings[] = { _ ("PEER"),     _ ("NAME"),      _ ("ROLE"), _ ("ADDRESSES"), _ ("REGISTRY SAYS"),
                                   _ ("ENDPOINT"), _ ("HANDSHAKE"), _ ("KEY"),  NULL };
  g_autoptr (CtlTable) table = ctl_table_new (headings);
  g_autofree char *addresses = json_object_has_member (status, "addresses") ? list_of (status, "addresses") : g_strdup ("");
  g_autofree char *network = ctl_printable (text_of (status, "network"));
  g_autofree char *text = NULL;
  JsonNode *peers = json_object_get_member (status, "peers");
  guint n = peers && JSON_NODE_HOLDS_ARRAY (peers) ? json_array_get_length (json_node_get_array (peers)) : 0;

  g_print (_ ("%s: %s on %s, %s\n"), network, addresses, text_of (status, "interface"),
           json_object_get_boolean_member_with_default (status, "registry", FALSE) ? _ ("registry connected")
                                                                                   : _ ("registry away"));
  for (guint i = 0; i < n; i++)
    add_peer (table, json_array_get_object_element (json_node_get_array (peers), i));
  text = ctl_table_format (table);
  if (n)
    g_print ("%s", text);
}

static gboolean
run (const char *network, gboolean json, GError **error)
{
  g_autoptr (GPtrArray) services = ctl_services_find (network, error);

  for (guint i = 0; services && i < services->len; i++)
    {
      CtlService *service = services->pdata[i];
      g_autoptr (JsonNode) node = NULL;
      g_autofree char *text = NULL;

      if (!json)
        {
          print (service->status);
          continue;
        }
      node = json_node_new (JSON_NODE_OBJECT);
      json_node_set_object (node, service->status);
      text = json_to_string (node, TRUE);
      g_print ("%s\n", text);
    }
  return services != NULL;
}

int
scopectl_status (int argc, char **argv)
{
  gboolean json = FALSE;
  const GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, N_ ("Print JSON"), NULL },
    { NULL },
  };
  g_auto (GStrv) rest = NULL;
  g_autoptr (GError) error = NULL;

  if (!ctl_options_parse (VERB, N_ ("[NETWORK]"),
                          N_ ("Shows the networks that are up on this machine: who is in them, where, and what key each pair has."),
                          entries, argc, argv, 0, 1, &rest))
    return CTL_USAGE;
  if (rest[0] && !ctl_check_network (rest[0], &error))
    return ctl_usage (VERB, error->message);
  return run (rest[0], json, &error) ? CTL_OK : ctl_failure (VERB, error);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* registry.json: what is accepted, and that each mistake is named with its line. */
#include "registry/registry-config.h"

#include <glib/gstdio.h>
#include <string.h>

static RegistryConfig *
parse (const char *text, char **problems)
{
  g_autoptr (GPtrArray) list = registry_problems_new ();
  g_autoptr (GString) lines = g_string_new (NULL);
  RegistryConfig *config = registry_config_parse (text, strlen (text), "/etc/scope", list);

  for (guint i = 0; i < list->len; i++)
    {
      g_autofree char *line = registry_problem_format (g_ptr_array_index (list, i), "f");
      g_string_append_printf (lines, "%s\n", line);
    }
  *problems = g_string_free (g_steal_pointer (&lines), FALSE);
  return config;
}

/* The example of the 0.0.x documentation. */
static void
test_documented (void)
{
  g_autofree char *problems = NULL;
  g_autoptr (RegistryConfig) config = parse ("{\"listen\":\"127.0.0.1\",\"listenPort\":8080,\"networks\":[\"interface-1\"],"
                                             "\"self\":{\"interface-1\":{\"heartbeat\":20,\"end\":\"192.0.2.1:51820\","
                                             "\"range\":\"10.0.0.254/32\"}}}",
                                             &problems);
  const RegistryNetworkConfig *network;

  g_assert_cmpstr (problems, ==, "");
  network = registry_config_find (config, "interface-1");
  g_assert_cmpuint (config->listen_port, ==, 8080);
  g_assert_cmpuint (network->heartbeat, ==, 20);
  g_assert_cmpstr (network->end, ==, "192.0.2.1:51820");
  g_assert_cmpuint (network->ranges->len, ==, 1);
  g_assert_null (registry_config_find (config, "interface-2"));
}

static void
test_defaults (void)
{
  g_autofree char *problems = NULL;
  g_autoptr (RegistryConfig) config = parse ("{\"networks\":[\"a\",\"b\"],\"heartbeat\":7,\"self\":{\"b\":{\"heartbeat\":0}}}", &problems);
  g_autofree char *listen = g_inet_address_to_string (config->listen);

  g_assert_cmpstr (problems, ==, "");
  g_assert_cmpstr (listen, ==, "127.0.0.1");
  g_assert_cmpuint (config->listen_port, ==, 8000);
  g_assert_cmpstr (config->prefix, ==, "");
  g_assert_cmpuint (registry_config_find (config, "a")->heartbeat, ==, 7);
  g_assert_cmpuint (registry_config_find (config, "b")->heartbeat, ==, 0);
  g_assert_null (registry_config_find (config, "a")->end);
  g_assert_false (config->limits.loopback_limited);
  g_assert_cmpuint (config->limits.idle_seconds, ==, 60);
  g_assert_null (config->state_directory);
}

static void
test_everything (void)
{
  g_autofree char *problems = NULL;
  g_autoptr (RegistryConfig) config = parse ("{\"listen\":\"::\",\"listenPort\":0,\"networks\":[\"a\"],\"prefix\":\"/x/y/\","
                                             "\"tlsCertificate\":\"cert.pem\",\"tlsKey\":\"/k.pem\",\"stateDirectory\":\"s\","
                                             "\"trustedProxies\":[\"10.1.2.3/8\",\"::1\"],"
                                             "\"limits\":{\"connections\":5,\"connectionsPerAddress\":0}}",
                                             &problems);

  g_assert_cmpstr (problems, ==, "");
  g_assert_cmpstr (config->prefix, ==, "/x/y");
  g_assert_cmpstr (config->tls_certificate, ==, "/etc/scope/cert.pem");
  g_assert_cmpstr (config->tls_key, ==, "/k.pem");
  g_assert_cmpstr (config->state_directory, ==, "/etc/scope/s");
  g_assert_cmpuint (config->trusted_proxies->len, ==, 2);
  g_assert_cmpuint (g_array_index (config->trusted_proxies, ScopePrefix, 0).addr[1], ==, 0); /* masked */
  g_assert_cmpuint (config->limits.connections, ==, 5);
  g_assert_true (config->limits.loopback_limited);
}

static void
test_mistakes (void)
{
  static const struct {
    const char *text, *problem;
  } cases[] = {
    { "", "f:1: JSON ends too early\n" },
    { "{\n\"networks\": [],\n}", "f:3: not JSON at “}”: no comma after the last one\n" },
    { "{\n\"networks\": [\"a\"\n, ]}", "f:3: not JSON at “]”: no comma after the last one\n" },
    { "{\n\"networks\": [}", "f:2: not JSON at “}”\n" },
    { "// mine\n{\"networks\": []}", "f:1: not JSON at “/”: JSON has no comments\n" },
    { "{\n\"networks\": [] /* none */}", "f:2: not JSON at “/”: JSON has no comments\n" },
    { "{\"networks\": /", "f:1: not JSON at “/”\n" },
    { "[]", "f:1: not a JSON object\n" },
    { "{\n}", "f:1: networks: missing" },
    { "{\n\"networks\":\n\"a\"}", "f:2: networks: expected an array such as [\"wg0\"]\n" },
    { "{\"networks\":[\n\"a\",\n7]}", "f:3: networks[1]: expected a string, or an object\n" },
    { "{\"networks\":[\n\"a b\"]}", "f:2: networks[0]: “a b” is not an interface name" },
    { "{\"networks\":[\"a\",\n\"a\"]}", "f:2: networks[1]: “a” is listed twice\n" },
    { "{\"networks\":[],\n\"listen\":\"here\"}", "f:2: listen: “here” is not an IP address\n" },
    { "{\"networks\":[],\n\"listen\":null}", "f:2: listen: expected a string\n" },
    { "{\"networks\":[],\n\"listenPort\":65536}", "f:2: listenPort: expected a whole number from 0 to 65535\n" },
    { "{\"networks\":[],\n\"listenPort\":\"80\"}", "f:2: listenPort: expected a number, without quotes\n" },
    { "{\"networks\":[],\n\"listenPort\":80.5}", "f:2: listenPort: expected a whole number" },
    { "{\"networks\":[],\n\"heartbeat\":-1}", "f:2: heartbeat: expected a whole number" },
    { "{\"networks\":[\"a\"],\"self\":\n{\"a\":\n{\"end\":\n\"x\"}}}", "f:3: self.a.end: “x” is not an endpoint" },
    { "{\"networks\":[\"a\"],\"self\":{\"a\":{\n\"range\":\"10.0.0.1/99\"}}}", "f:2: self.a.range: “10.0.0.1/99” is not" },
    { "{\"networks\":[\"a\"],\"self\":{\"a\":{\n\"heartbeat\":true}}}", "f:2: self.a.heartbeat: expected" },
    { "{\"networks\":[\"a\"],\"self\":{\n\"a\":[]}}", "f:2: self.a: expected an object\n" },
    { "{\"networks\":[\"wg.1\"],\"self\":{\n\"wg.1\":{\n\"end\":1}}}", "f:3: self.wg.1.end: expected a string\n" },
    { "{\"networks\":[],\n\"self\":1}", "f:2: self: expected an object\n" },
    { "{\"networks\":[],\n\"prefix\":\"x\"}", "f:2: prefix: expected a path" },
    { "{\"networks\":[],\n\"prefix\":\"/a//b\"}", "f:2: prefix: expected a path" },
    { "{\"networks\":[],\n\"prefix\":\"/a%20\"}", "f:2: prefix: expected a path" },
    { "{\"networks\":[],\n\"tlsKey\":\"k\"}", "f:1: tlsCertificate: missing" },
    { "{\"networks\":[],\n\"tlsCertificate\":\"k\"}", "f:1: tlsKey: missing" },
    { "{\"networks\":[],\n\"tlsCertificate\":\"\"}", "f:2: tlsCertificate: expected a file name\n" },
    { "{\"networks\":[],\"trustedProxies\":[\"::1\",\n\"x\"]}", "f:2: trustedProxies[1]: “x” is not" },
    { "{\"networks\":[],\"limits\":{\n\"idleSeconds\":0}}", "f:2: limits.idleSeconds: expected a whole number from 1" },
    { "{\"networks\":[],\n\"limits\":7}", "f:2: limits: expected an object\n" },
    { "{\"networks\":\xff}", "f:1: not valid UTF-8\n" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *problems = NULL;
      g_autoptr (RegistryConfig) config = parse (cases[i].text, &problems);

      if (config || !strstr (problems, cases[i].problem))
        g_error ("%s\nexpected: %sgot: %s", cases[i].text, cases[i].problem, problems);
    }
}

/* All at once, by line. */
static void
test_several (void)
{
  g_autofree char *problems = NULL;
  g_autoptr (RegistryConfig) config = parse ("{\n\"limits\": {\"idleSeconds\": 0},\n\"listenPort\": -1,\n\"networks\": [],\n\"listen\": 1}", &problems);

  g_assert_null (config);
  g_assert_cmpstr (problems, ==,
                   "f:2: limits.idleSeconds: expected a whole number from 1 to 86400\n"
                   "f:3: listenPort: expected a whole number from 0 to 65535\n"
                   "f:4: networks: warning: no networks: nobody is served\n"
                   "f:5: listen: expected a string\n");
}

static void
test_warnings (void)
{
  g_autofree char *problems = NULL;
  g_autoptr (RegistryConfig) config = parse ("{\n\"networks\": [\"a\"],\n\"odd\": 1,\n\"self\": {\"a\": {\n\"x\": 1},\n\"b\": {}},\n"
                                             "\"listenPort\": 1,\n\"listenPort\": 2,\"limits\":{\n\"y\":1}}",
                                             &problems);

  g_assert_nonnull (config);
  g_assert_cmpuint (config->listen_port, ==, 2);
  g_assert_cmpstr (problems, ==,
                   "f:3: odd: warning: unknown, ignored\n"
                   "f:5: self.a.x: warning: unknown, ignored\n"
                   "f:6: self.b: warning: not in networks, ignored\n"
                   "f:8: listenPort: warning: given more than once, the last one counts\n"
                   "f:9: limits.y: warning: unknown, ignored\n");
}

/* A registry for nobody may be on purpose. */
static void
test_nobody (void)
{
  g_autofree char *problems = NULL;
  g_autoptr (RegistryConfig) config = parse ("{\n\"networks\": []}", &problems);

  g_assert_nonnull (config);
  g_assert_cmpstr (problems, ==, "f:2: networks: warning: no networks: nobody is served\n");
}

static void
test_files (void)
{
  g_autofree char *dir = g_dir_make_tmp ("scope-config-XXXXXX", NULL);
  g_autofree char *file = g_build_filename (dir, "registry.json", NULL);
  g_autofree char *line = NULL;
  g_autoptr (GPtrArray) problems = registry_problems_new ();
  g_autoptr (RegistryConfig) config = registry_config_load (file, problems);
  g_autoptr (RegistryConfig) second = NULL;

  g_assert_null (config);
  g_assert_cmpuint (problems->len, ==, 1);
  g_assert_cmpuint (((RegistryProblem *) problems->pdata[0])->line, ==, 0);

  g_assert_true (g_file_set_contents (file, "{\"networks\":[\"a\"],\n\"tlsCertificate\":\"none.pem\",\n\"tlsKey\":\"none.key\"}", -1, NULL));
  g_ptr_array_set_size (problems, 0);
  second = registry_config_load (file, problems);
  g_assert_null (second);
  line = registry_problem_format (problems->pdata[0], "f");
  if (!g_str_has_prefix (line, "f:2: tlsCertificate: ") && !g_str_has_prefix (line, "f:3: tlsKey: "))
    g_error ("%s", line);
  g_unlink (file);
  g_rmdir (dir);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/registry/config/documented", test_documented);
  g_test_add_func ("/registry/config/defaults", test_defaults);
  g_test_add_func ("/registry/config/everything", test_everything);
  g_test_add_func ("/registry/config/mistakes", test_mistakes);
  g_test_add_func ("/registry/config/several", test_several);
  g_test_add_func ("/registry/config/warnings", test_warnings);
  g_test_add_func ("/registry/config/nobody", test_nobody);
  g_test_add_func ("/registry/config/files", test_files);
  return g_test_run ();
}

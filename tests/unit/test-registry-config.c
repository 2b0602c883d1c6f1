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
  g_assert_cmpuint (config->carry.sessions, ==, 256);
  g_assert_cmpuint (config->carry.queue_bytes, ==, 256 * 1024);
  g_assert_false (config->carry.private);
  g_assert_null (config->state_directory);
  g_assert_cmpuint (config->stun_listen->len, ==, 0); /* 127.0.0.1 is of no use to others */
}

static void
test_everything (void)
{
  g_autofree char *problems = NULL;
  g_autoptr (RegistryConfig) config = parse ("{\"listen\":\"::\",\"listenPort\":0,\"networks\":[\"a\"],\"prefix\":\"/x/y/\","
                                             "\"tlsCertificate\":\"cert.pem\",\"tlsKey\":\"/k.pem\",\"stateDirectory\":\"s\","
                                             "\"trustedProxies\":[\"10.1.2.3/8\",\"::1\"],"
                                             "\"stun\":{\"listen\":[\"192.0.2.1\",\"::\"],\"port\":3479},"
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
  g_assert_cmpuint (config->stun_listen->len, ==, 2);
  g_assert_cmpuint (config->stun_port, ==, 3479);
  g_assert_true (config->stun_required);
}

static void
test_stun (void)
{
  static const struct {
    const char *listen, *stun, *expected;
    gboolean required;
  } cases[] = {
    { "0.0.0.0", NULL, "0.0.0.0", FALSE },   { "::", NULL, "::", FALSE },
    { "192.0.2.1", NULL, "192.0.2.1", FALSE }, { "::1", NULL, "", FALSE },
    { "localhost", NULL, "", FALSE },        { "0.0.0.0", "false", "", FALSE },
    { "192.0.2.1", "true", "192.0.2.1", TRUE }, { "127.0.0.1", "true", "::", TRUE },
    { "127.0.0.1", "{}", "::", TRUE },       { "127.0.0.1", "{\"listen\":\"127.0.0.1\"}", "127.0.0.1", TRUE },
    { "::", "{\"listen\":[\"192.0.2.1\",\"192.0.2.2\"]}", "192.0.2.1 192.0.2.2", TRUE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = g_strdup_printf ("{\"networks\":[\"a\"],\"listen\":\"%s\"%s%s}", cases[i].listen,
                                               cases[i].stun ? ",\"stun\":" : "", cases[i].stun ? cases[i].stun : "");
      g_autofree char *problems = NULL;
      g_autoptr (RegistryConfig) config = parse (text, &problems);
      g_autoptr (GString) listen = g_string_new (NULL);

      g_assert_cmpstr (problems, ==, "");
      for (guint j = 0; j < config->stun_listen->len; j++)
        {
          g_autofree char *address = g_inet_address_to_string (g_ptr_array_index (config->stun_listen, j));
          g_string_append_printf (listen, "%s%s", j ? " " : "", address);
        }
      g_assert_cmpstr (listen->str, ==, cases[i].expected);
      g_assert_cmpint (config->stun_required, ==, cases[i].required);
      g_assert_cmpuint (config->stun_port, ==, 3478);
    }
}

#define V1 "{\"name\":\"a\",\"file\":\"f\",\n"
#define KEY "iE7eXvWcPUo2u8tT8lGTqbA/Yo2hCYOyOWsDBG0xVnA="
#define KEY_URL "iE7eXvWcPUo2u8tT8lGTqbA_Yo2hCYOyOWsDBG0xVnA"

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
    { "{\"networks\":[],\n\"stun\":7}", "f:2: stun: expected true, false, or an object" },
    { "{\"networks\":[],\"stun\":{\n\"port\":65536}}", "f:2: stun.port: expected a whole number from 0 to 65535\n" },
    { "{\"networks\":[],\"stun\":{\n\"listen\":\"here\"}}", "f:2: stun.listen: “here” is not an IP address\n" },
    { "{\"networks\":[],\"stun\":{\n\"listen\":[]}}", "f:2: stun.listen: empty" },
    { "{\"networks\":[],\"stun\":{\"listen\":[\"::\",\n7]}}", "f:2: stun.listen[1]: expected a string\n" },
    { "{\"networks\":[],\n\"prefix\":\"x\"}", "f:2: prefix: expected a path" },
    { "{\"networks\":[],\n\"prefix\":\"/a//b\"}", "f:2: prefix: expected a path" },
    { "{\"networks\":[],\n\"prefix\":\"/a%20\"}", "f:2: prefix: expected a path" },
    { "{\"networks\":[],\n\"tlsKey\":\"k\"}", "f:1: tlsCertificate: missing" },
    { "{\"networks\":[],\n\"tlsCertificate\":\"k\"}", "f:1: tlsKey: missing" },
    { "{\"networks\":[],\n\"tlsCertificate\":\"\"}", "f:2: tlsCertificate: expected a file name\n" },
    { "{\"networks\":[],\"trustedProxies\":[\"::1\",\n\"x\"]}", "f:2: trustedProxies[1]: “x” is not" },
    { "{\"networks\":[],\"limits\":{\n\"idleSeconds\":0}}", "f:2: limits.idleSeconds: expected a whole number from 1" },
    { "{\"networks\":[],\n\"limits\":7}", "f:2: limits: expected an object\n" },
    { "{\"networks\":[],\n\"carry\":7}", "f:2: carry: expected an object\n" },
    { "{\"networks\":[],\"carry\":{\n\"links\":0}}", "f:2: carry.links: expected a whole number from 1" },
    { "{\"networks\":[],\"carry\":{\n\"private\":1}}", "f:2: carry.private: expected" },
    { "{\"networks\":[{\n\"file\":\"f\"}]}", "f:1: networks[0].name: missing\n" },
    { "{\"networks\":[{\n\"name\":\"a b\",\"file\":\"f\"}]}", "f:2: networks[0].name: “a b” is not a network's name" },
    { "{\"networks\":[\n{\"name\":\"a\"}]}", "f:2: networks[0].file: missing" },
    { "{\"networks\":[{\"name\":\"a\",\n\"file\":\"\"}]}", "f:2: networks[0].file: expected a file name\n" },
    { "{\"networks\":[" V1 "\"interface\":\"a b\"}]}", "f:2: networks[0].interface: “a b” is not an interface name" },
    { "{\"networks\":[" V1 "\"admission\":[\"token\",\n\"open\"]}]}", "f:3: networks[0].admission[1]: “open” is none of listed, token, granted\n" },
    { "{\"networks\":[" V1 "\"admission\":\"token\"}]}", "f:2: networks[0].admission: expected an array such as [\"token\"]\n" },
    { "{\"networks\":[" V1 "\"listed\":[]}]}", "f:2: networks[0].listed: expected an object\n" },
    { "{\"networks\":[" V1 "\"listed\":{\"x\":{}}}]}", "f:2: networks[0].listed.x: “x” is not a WireGuard public key\n" },
    { "{\"networks\":[" V1 "\"listed\":{\"" KEY "\":7}}]}", "f:2: networks[0].listed." KEY ": expected an object\n" },
    { "{\"networks\":[" V1 "\"listed\":{\"" KEY "\":{\n\"role\":\"root\"}}}]}", "f:3: networks[0].listed." KEY ".role: “root” is none of edge, relay, master\n" },
    { "{\"networks\":[" V1 "\"listed\":{\"" KEY "\":{},\n\"" KEY_URL "\":{}}}]}", "f:3: networks[0].listed." KEY_URL ": the same key is listed twice\n" },
    { "{\"networks\":[" V1 "\"heartbeat\":-1}]}", "f:2: networks[0].heartbeat: expected a whole number" },
    { "{\"networks\":[" V1 "\"epochSeconds\":59}]}", "f:2: networks[0].epochSeconds: expected a whole number from 60" },
    { "{\"networks\":[" V1 "\"killed\":1}]}", "f:2: networks[0].killed: expected true or false\n" },
    { "{\"networks\":[\"a\"," V1 "\"killed\":true}]}", "f:1: networks[1].name: “a” is listed twice\n" },
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

/* A network of version 1 */
static void
test_v1 (void)
{
  g_autofree char *problems = NULL;
  g_autoptr (RegistryConfig) config = parse ("{\"heartbeat\":9,\"networks\":[\"a\",{\"name\":\"b\",\"file\":\"b.network\"},"
                                             "{\"name\":\"c\",\"file\":\"/c\",\"interface\":\"wg0\",\"admission\":[\"token\"],"
                                             "\"heartbeat\":20,\"epochSeconds\":60,\"killed\":true},"
                                             "{\"name\":\"d\",\"file\":\"d\",\"listed\":{\"" KEY "\":{\"role\":\"relay\",\"name\":\"gate\"}}}]}",
                                             &problems);
  const RegistryNetworkConfig *a, *b, *c, *d;
  const RegistryListed *listed;
  ScopeKey key;

  g_assert_cmpstr (problems, ==, "");
  a = registry_config_find (config, "a");
  g_assert_cmpstr (a->interface, ==, "a");
  g_assert_null (a->path);
  b = registry_config_find (config, "b");
  g_assert_null (b->interface);
  g_assert_cmpstr (b->path, ==, "/etc/scope/b.network");
  g_assert_cmpuint (b->heartbeat, ==, 9);
  g_assert_cmpuint (b->epoch_seconds, ==, 3600);
  g_assert_cmpuint (b->admission, ==, REGISTRY_ADMISSION_TOKEN | REGISTRY_ADMISSION_GRANTED);
  g_assert_false (b->killed);
  c = registry_config_find (config, "c");
  g_assert_cmpstr (c->interface, ==, "wg0");
  g_assert_cmpuint (c->admission, ==, REGISTRY_ADMISSION_TOKEN);
  g_assert_cmpuint (c->heartbeat, ==, 20);
  g_assert_true (c->killed);
  d = registry_config_find (config, "d");
  g_assert_cmpuint (d->admission, ==, REGISTRY_ADMISSION_TOKEN | REGISTRY_ADMISSION_GRANTED | REGISTRY_ADMISSION_LISTED);
  scope_key_parse (&key, KEY);
  listed = g_hash_table_lookup (d->listed, &key);
  g_assert_cmpint (listed->role, ==, SCOPE_ROLE_RELAY);
  g_assert_cmpstr (listed->name, ==, "gate");
}

static void
test_network_file (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ScopeIdentity) root = scope_identity_generate (&error);
  g_autofree char *public = scope_identity_public_format (scope_identity_public (root));
  g_autofree char *secret = scope_identity_format (root);
  g_autofree char *dir = g_dir_make_tmp ("scope-config-XXXXXX", NULL);
  g_autofree char *file = g_build_filename (dir, "registry.json", NULL);
  g_autofree char *network = g_build_filename (dir, "n", NULL);
  const struct {
    char *text;
    int mode;
    const char *problem;
  } cases[] = {
    { g_strdup ("{}"), 0600, "network: missing" },
    { g_strdup ("{\"network\":\"home\"}"), 0600, "root: missing" },
    { g_strdup ("{\"network\":\"home\",\"root\":\"x\"}"), 0600, "root: " },
    { g_strdup_printf ("{\"network\":\"home\",\"root\":\"%s\"}", public), 0600, "prefixes: expected" },
    { g_strdup_printf ("{\"network\":\"home\",\"root\":\"%s\",\"prefixes\":[\"x\"]}", public), 0600, "prefixes: expected" },
    { g_strdup_printf ("{\"network\":\"home\",\"root\":\"%s\",\"prefixes\":[],\"delegate\":\"x\"}", public), 0600, "delegate: " },
    { g_strdup_printf ("{\"network\":\"home\",\"root\":\"%s\",\"prefixes\":[],\"delegation\":1}", public), 0600, "delegation: expected" },
    { g_strdup_printf ("{\"network\":\"other\",\"root\":\"%s\",\"prefixes\":[]}", public), 0600, "is of the network “other”" },
    { g_strdup_printf ("{\"network\":\"home\",\"root\":\"%s\",\"prefixes\":[],\"delegate\":\"%s\"}", public, secret), 0640, "chmod 600" },
    { g_strdup_printf ("{\"network\":\"home\",\"root\":\"%s\",\"prefixes\":[],\"delegate\":\"%s\"}", public, secret), 0600, NULL },
    { g_strdup_printf ("{\"network\":\"home\",\"root\":\"%s\",\"prefixes\":[\"10.7.0.9/24\"]}", public), 0644, NULL },
  };

  g_assert_true (g_file_set_contents (file, "{\"networks\":[\"a\",\n{\"name\":\"home\",\n\"file\":\"n\"}]}", -1, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GPtrArray) problems = registry_problems_new ();
      g_autoptr (RegistryConfig) config = NULL;
      g_autofree char *line = NULL;

      g_assert_true (g_file_set_contents (network, cases[i].text, -1, NULL));
      g_assert_cmpint (g_chmod (network, cases[i].mode), ==, 0);
      config = registry_config_load (file, problems);
      if (problems->len)
        line = registry_problem_format (problems->pdata[0], "f");
      if (cases[i].problem
              ? config || !g_str_has_prefix (line, "f:3: networks[1].file: ") || !strstr (line, cases[i].problem)
              : !config)
        g_error ("%s: %s", cases[i].text, line);
      g_free (cases[i].text);
    }
  g_unlink (file);
  g_unlink (network);
  g_rmdir (dir);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/registry/config/documented", test_documented);
  g_test_add_func ("/registry/config/defaults", test_defaults);
  g_test_add_func ("/registry/config/everything", test_everything);
  g_test_add_func ("/registry/config/stun", test_stun);
  g_test_add_func ("/registry/config/mistakes", test_mistakes);
  g_test_add_func ("/registry/config/several", test_several);
  g_test_add_func ("/registry/config/warnings", test_warnings);
  g_test_add_func ("/registry/config/nobody", test_nobody);
  g_test_add_func ("/registry/config/files", test_files);
  g_test_add_func ("/registry/config/v1", test_v1);
  g_test_add_func ("/registry/config/network-file", test_network_file);
  return g_test_run ();
}

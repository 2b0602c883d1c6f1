/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A network of 0.0.x as wg-quick wants it. That WireGuard takes it is seen in tests/desktop/test-files. */
#include "config.h"

#include "common/scope-error.h"
#include "common/scope-json.h"
#include "common/scope-wg-quick.h"

#include <string.h>

#define NOW G_GINT64_CONSTANT (1900000000)
#define A "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw="
#define B "/UwcSPg38hW/D9Y3tcS1FOV0K1wuURMbS0sesJEP5ak="
#define ROOT "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
#define NOBODY "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE="
#define FINGERPRINT "abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrsa"

#define ENTRY_ROOT                                                            \
  "{\"key\":\"" ROOT "\",\"root\":true,\"endpoint\":\"root.example:51820\"," \
  "\"ranges\":[\"10.86.0.254/32\",\"0.0.0.0/0\"]}"
#define ENTRY_A "{\"key\":\"" A "\",\"root\":false,\"endpoint\":\"192.0.2.1:1000\",\"ranges\":[\"10.86.0.1/32\",\"fd86::1/128\",\"172.16.0.0/16\"]}"
#define ENTRY_B "{\"key\":\"" B "\",\"root\":false,\"endpoint\":null,\"ranges\":[\"10.86.0.2/32\",\"10.86.0.254/32\"]}"
#define STATUS                                                                                        \
  "{\"network\":\"office\",\"addresses\":[\"10.86.0.1/24\"],\"peers\":[],\"listed\":{\"key\":\"" A "\"," \
  "\"heartbeat\":20,\"peers\":[" ENTRY_ROOT "," ENTRY_A "," ENTRY_B "," ENTRY_B "]}}"

static JsonObject *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  JsonObject *object = scope_json_parse_object (text, strlen (text), 1 << 20, &error);

  g_assert_no_error (error);
  return object;
}

static ScopeSettings *
settings_new (const char *first, ...)
{
  g_autoptr (GHashTable) data = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GHashTable) secrets = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GError) error = NULL;
  ScopeSettings *settings;
  va_list rest;

  g_hash_table_insert (data, (gpointer) SCOPE_SETTING_REGISTRY, (gpointer) "https://r");
  g_hash_table_insert (data, (gpointer) SCOPE_SETTING_NETWORK, (gpointer) "office");
  va_start (rest, first);
  for (const char *name = first; name; name = va_arg (rest, const char *))
    g_hash_table_insert (scope_setting_find (name)->secret ? secrets : data, (gpointer) name, va_arg (rest, char *));
  va_end (rest);
  settings = scope_settings_parse (data, secrets, &error);
  g_assert_no_error (error);
  return settings;
}

/* The lines that are no comments, without empty ones. */
static char *
lines_of (const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  g_autoptr (GString) kept = g_string_new (NULL);

  for (char **line = lines; *line; line++)
    if (**line && **line != '#')
      g_string_append_printf (kept, "%s\n", *line);
  return g_string_free (g_steal_pointer (&kept), FALSE);
}

static void
own (void)
{
  g_autoptr (ScopeSettings) settings = settings_new (
      SCOPE_SETTING_LISTEN_PORT, "51820", SCOPE_SETTING_MTU, "1380", SCOPE_SETTING_DNS, "10.86.0.254 fd86::fe",
      SCOPE_SETTING_DNS_SEARCH, "office.example ~corp.example", SCOPE_SETTING_ROUTES, "198.51.100.0/24",
      SCOPE_SETTING_KEEPALIVE, "7", SCOPE_SETTING_EXIT, ROOT, SCOPE_SETTING_PRESHARED_KEY, B, SCOPE_SETTING_PRIVATE_KEY, B, NULL);
  g_autoptr (JsonObject) status = parse (STATUS);
  g_autoptr (GError) error = NULL;
  g_autofree char *text = scope_wg_quick_format (settings, status, NULL, NOW, &error);
  g_autofree char *lines = NULL;

  g_assert_no_error (error);
  g_assert_true (g_str_has_prefix (text, "# The network office for wg-quick(8)"));
  g_assert_nonnull (strstr (text, "as its registry listed it at 2030-03-17T17:46:40Z.\n"));
  g_assert_nonnull (strstr (text, "public key " A));
  lines = lines_of (text);
  /* Peer b has one range that the root has, and the root alone is the exit. */
  g_assert_cmpstr (lines, ==,
                   "[Interface]\n"
                   "PostUp = wg set %i private-key /etc/wireguard/%i.key\n"
                   "PostUp = wg show %i peers | while read peer; do "
                   "wg set %i peer \"$peer\" preshared-key /etc/wireguard/%i.psk; done\n"
                   "Address = 10.86.0.1/24\n"
                   "ListenPort = 51820\n"
                   "MTU = 1380\n"
                   "DNS = 10.86.0.254, fd86::fe, office.example\n"
                   "[Peer] # the network's root\n"
                   "PublicKey = " ROOT "\n"
                   "AllowedIPs = 10.86.0.254/32, 0.0.0.0/0, 198.51.100.0/24\n"
                   "Endpoint = root.example:51820\n"
                   "PersistentKeepalive = 7\n"
                   "[Peer]\n"
                   "PublicKey = " B "\n"
                   "AllowedIPs = 10.86.0.2/32\n");
}

/* For another host that is listed: its addresses, and we are a peer. */
static void
other (void)
{
  g_autoptr (JsonObject) status = parse (STATUS);
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL, *lines = NULL;
  ScopeKey who;

  g_assert_true (scope_key_parse (&who, B));
  text = scope_wg_quick_format (NULL, status, &who, NOW, &error);
  g_assert_no_error (error);
  lines = lines_of (text);
  g_assert_cmpstr (lines, ==,
                   "[Interface]\n"
                   "PostUp = wg set %i private-key /etc/wireguard/%i.key\n"
                   "Address = 10.86.0.2/32, 10.86.0.254/32\n"
                   "[Peer] # the network's root\n"
                   "PublicKey = " ROOT "\n"
                   "Endpoint = root.example:51820\n"
                   "PersistentKeepalive = 20\n"
                   "[Peer]\n"
                   "PublicKey = " A "\n"
                   "AllowedIPs = 10.86.0.1/32, fd86::1/128, 172.16.0.0/16\n"
                   "Endpoint = 192.0.2.1:1000\n"
                   "PersistentKeepalive = 20\n");

  g_assert_true (scope_key_parse (&who, NOBODY));
  g_assert_null (scope_wg_quick_format (NULL, status, &who, NOW, &error));
  g_assert_true (scope_err_not_listed (error));
}

static void
refused (void)
{
  g_autoptr (ScopeSettings) plain = settings_new (NULL, NULL);
  g_autoptr (ScopeSettings) pinned = settings_new (SCOPE_SETTING_ROOT, FINGERPRINT, NULL);
  g_autoptr (JsonObject) status = parse (STATUS);
  const struct {
    const char *status, *part;
  } cases[] = {
    { "{\"network\":\"office\",\"peers\":[]}", "a network with a root key" }, /* of v1 */
    { "{\"listed\":{\"key\":7,\"peers\":[]}}", "a network with a root key" },
    { "{\"listed\":{\"key\":\"" A "\",\"peers\":[" ENTRY_B "]}}", "lists no address" },
    { "{\"addresses\":[\"10.86.0.1/32\"],\"listed\":{\"key\":\"" A "\",\"peers\":[" ENTRY_A "]}}", "lists nobody else" },
    { "{\"addresses\":[\"10.86.0.1/32\"],\"listed\":{\"key\":\"" A "\",\"peers\":{}}}", "lists nobody else" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (JsonObject) wrong = parse (cases[i].status);
      g_autoptr (GError) error = NULL;
      g_test_message ("%s", cases[i].status);
      g_assert_null (scope_wg_quick_format (plain, wrong, NULL, NOW, &error));
      g_assert_nonnull (error);
      g_assert_nonnull (strstr (error->message, cases[i].part));
    }
  g_autoptr (GError) error = NULL;
  g_assert_null (scope_wg_quick_format (pinned, status, NULL, NOW, &error));
  g_assert_true (scope_err_invalid (error));
}

/* What a registry says does not become lines of the file. */
static void
injected (void)
{
  g_autoptr (JsonObject) status = parse (
      "{\"network\":\"x\\nPostUp = evil\",\"addresses\":[\"10.0.0.1/32\\nPostUp = evil\",\"10.0.0.2\"],\"listed\":{\"key\":\"" A "\","
      "\"heartbeat\":-5,\"peers\":[7,[],{\"key\":\"" B "\\nPostUp = evil\",\"ranges\":[]},"
      "{\"key\":\"" B "\",\"root\":\"evil\",\"endpoint\":\"a:1\\nPostUp = evil\",\"ranges\":[\"10.0.0.3/32\\nPostUp = evil\",5,null]}]}}");
  g_autoptr (GError) error = NULL;
  g_autofree char *text = scope_wg_quick_format (NULL, status, NULL, NOW, &error);
  g_autofree char *lines = NULL;

  g_assert_no_error (error);
  g_assert_null (strstr (text, "evil"));
  lines = lines_of (text);
  g_assert_cmpstr (lines, ==,
                   "[Interface]\nPostUp = wg set %i private-key /etc/wireguard/%i.key\nAddress = 10.0.0.2/32\n"
                   "[Peer]\nPublicKey = " B "\n");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wg-quick/own", own);
  g_test_add_func ("/wg-quick/other", other);
  g_test_add_func ("/wg-quick/refused", refused);
  g_test_add_func ("/wg-quick/injected", injected);
  return g_test_run ();
}

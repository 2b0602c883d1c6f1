/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Import and export: the decoders with golden files, and the library as libnm loads it. */
#include "config.h"

#include "common/scope-error.h"
#include "common/scope-invite-file.h"
#include "common/scope-setting-limits.h"
#include "common/scope-settings.h"
#include "properties/scope-export.h"
#include "properties/scope-import.h"
#include "properties/scope-invite.h"
#include "properties/scope-profile.h"

#include <NetworkManager.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PUBLIC_KEY "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw="
#define PRIVATE_KEY "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
#define PROFILE "[scope-profile]\nversion=1\n[vpn]\nregistry=https://r.example\nnetwork=n\n"

#define assert_contains(text, part)                              \
  G_STMT_START                                                   \
  {                                                              \
    if (!strstr (text, part))                                    \
      g_error ("“%s” does not contain “%s”", text, part);        \
  }                                                              \
  G_STMT_END

static char *
data_file (const char *name)
{
  return g_build_filename (SCOPE_SRCDIR, "tests", "unit", "data", "import", name, NULL);
}

static GPtrArray *
notes_new (void)
{
  return g_ptr_array_new_with_free_func (g_free);
}

static NMConnection *
import_golden (const char *name, GPtrArray *notes)
{
  g_autofree char *path = data_file (name);
  g_autoptr (GError) error = NULL;
  NMConnection *connection = scope_import_file (path, notes, &error);

  g_assert_no_error (error);
  g_assert_nonnull (connection);
  return connection;
}

static char *
import_error (const char *data, gssize len)
{
  g_autoptr (GPtrArray) notes = notes_new ();
  g_autoptr (GError) error = NULL;

  g_assert_null (scope_import_bytes (data, len < 0 ? strlen (data) : (gsize) len, notes, &error));
  g_assert_nonnull (error);
  g_assert_true (error->domain == NM_CONNECTION_ERROR);
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
  g_assert_cmpuint (notes->len, ==, 0);
  return g_strdup (error->message);
}

static void
assert_refused (const char *data, const char *part)
{
  g_autofree char *message = import_error (data, -1);
  assert_contains (message, part);
}

static const char *
item (NMConnection *connection, const char *name)
{
  return nm_setting_vpn_get_data_item (nm_connection_get_setting_vpn (connection), name);
}

/* What NetworkManager does with a new connection. */
static void
assert_verifies (NMConnection *connection)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (NMConnection) copy = nm_simple_connection_new_clone (connection);
  g_autofree char *uuid = nm_utils_uuid_generate ();

  g_object_set (nm_connection_get_setting_connection (copy), NM_SETTING_CONNECTION_UUID, uuid, NULL);
  nm_connection_normalize (copy, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (nm_connection_is_type (copy, NM_SETTING_VPN_SETTING_NAME));
  g_assert_cmpstr (nm_setting_vpn_get_service_type (nm_connection_get_setting_vpn (copy)), ==, SCOPE_NM_SERVICE);
}

static void
edge_one (void)
{
  const char *files[] = { "edge-one.json", "edge-single.json" };

  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autoptr (GPtrArray) notes = notes_new ();
      g_autoptr (NMConnection) c = import_golden (files[i], notes);
      NMSettingVpn *vpn = nm_connection_get_setting_vpn (c);

      assert_verifies (c);
      g_assert_cmpstr (nm_connection_get_id (c), ==, "local-interface-1");
      g_assert_null (nm_connection_get_uuid (c));
      g_assert_true (nm_setting_vpn_get_persistent (vpn));
      g_assert_cmpuint (nm_setting_vpn_get_num_data_items (vpn), ==, 5);
      g_assert_cmpstr (item (c, SCOPE_SETTING_REGISTRY), ==, "https://example.com/pathPrefix");
      g_assert_cmpstr (item (c, SCOPE_SETTING_NETWORK), ==, "local-interface-1");
      g_assert_cmpstr (item (c, SCOPE_SETTING_NETREG), ==, "interface-1");
      g_assert_cmpstr (item (c, SCOPE_SETTING_PUBLIC_KEY), ==, PUBLIC_KEY);
      g_assert_cmpstr (item (c, SCOPE_SETTING_PRIVATE_KEY "-flags"), ==, "0");
      g_assert_cmpuint (nm_setting_vpn_get_num_secrets (vpn), ==, 0);

      /* That the private key is not there is told, with what to do. */
      g_assert_cmpuint (notes->len, ==, 1);
      g_assert_true (g_str_has_prefix (notes->pdata[0], files[i]));
      assert_contains ((char *) notes->pdata[0], "modify local-interface-1 vpn.secrets private-key=");
    }
}

static void
edge_several (void)
{
  g_autoptr (GPtrArray) notes = notes_new ();
  g_autoptr (NMConnection) c = import_golden ("edge-several.json", notes);

  g_assert_cmpstr (nm_connection_get_id (c), ==, "net-a");
  g_assert_null (item (c, SCOPE_SETTING_NETREG));
  g_assert_cmpuint (notes->len, ==, 2);
  g_assert_cmpstr (notes->pdata[0], ==,
                   "edge-several.json: imported “net-a”; 3 more entries were left out: "
                   "“net-b” (https://b.example), entry 3, entry 4; "
                   "to import one of them, put it into a file of its own");
}

static void
edge_many (void)
{
  g_autoptr (GString) json = g_string_new ("[");
  g_autoptr (GPtrArray) notes = notes_new ();
  g_autoptr (NMConnection) c = NULL;

  for (guint i = 0; i < 1000; i++)
    g_string_append_printf (json, "%s{\"registry\":\"https://r\",\"network\":\"n%u\",\"pubKey\":\"" PUBLIC_KEY "\"}",
                            i ? "," : "", i);
  g_string_append (json, "]");
  c = scope_import_bytes (json->str, json->len, notes, NULL);
  g_assert_nonnull (c);
  assert_contains ((char *) notes->pdata[0], "999 more entries");
  assert_contains ((char *) notes->pdata[0], "“n10” (https://r), …");
  g_assert_null (strstr (notes->pdata[0], "“n11”"));
}

/* The private key lies beside: told, not read. */
static void
edge_beside_wg_quick (void)
{
  g_autofree char *dir = g_dir_make_tmp ("scope-import-XXXXXX", NULL);
  g_autofree char *golden = data_file ("edge-one.json");
  g_autofree char *path = g_build_filename (dir, "edge.json", NULL);
  g_autofree char *conf = g_build_filename (dir, "local-interface-1.conf", NULL);
  g_autofree char *content = NULL;
  g_autoptr (GPtrArray) notes = notes_new ();
  g_autoptr (NMConnection) c = NULL;

  g_assert_true (g_file_get_contents (golden, &content, NULL, NULL));
  g_assert_true (g_file_set_contents (path, content, -1, NULL));
  g_assert_true (g_file_set_contents (conf, "[Interface]\nPrivateKey = " PRIVATE_KEY "\n", -1, NULL));
  c = scope_import_file (path, notes, NULL);
  g_assert_nonnull (c);
  g_assert_cmpuint (notes->len, ==, 1);
  assert_contains ((char *) notes->pdata[0], conf);
  g_assert_null (strstr (notes->pdata[0], PRIVATE_KEY));
  g_assert_cmpuint (nm_setting_vpn_get_num_secrets (nm_connection_get_setting_vpn (c)), ==, 0);
  g_unlink (path);
  g_unlink (conf);
  g_rmdir (dir);
}

static void
edge_key_forms (void)
{
  g_autoptr (NMConnection) c = NULL;
  const char *json = " {\"registry\":\"https://r\",\"network\":\"n\",\"netreg\":null,"
                     "\"pubKey\":\"_UwcSPg38hW_D9Y3tcS1FOV0K1wuURMbS0sesJEP5ak\"}";

  c = scope_import_bytes (json, strlen (json), NULL, NULL);
  g_assert_nonnull (c);
  g_assert_cmpstr (item (c, SCOPE_SETTING_PUBLIC_KEY), ==, "/UwcSPg38hW/D9Y3tcS1FOV0K1wuURMbS0sesJEP5ak=");
  g_assert_null (item (c, SCOPE_SETTING_NETREG));
}

static void
edge_wrong (void)
{
  const struct {
    const char *json, *part;
  } cases[] = {
    { "[{\"network\":\"n\",\"pubKey\":\"" PUBLIC_KEY "\"}]", "entry 1: registry: missing" },
    { "[{\"registry\":7,\"network\":\"n\",\"pubKey\":\"" PUBLIC_KEY "\"}]", "line 1: registry: not a string" },
    { "[{\"registry\":\"ftp://r\",\"network\":\"n\",\"pubKey\":\"" PUBLIC_KEY "\"}]", "line 1: registry: “ftp://r”" },
    { "[{\"registry\":\"https://r\",\"pubKey\":\"" PUBLIC_KEY "\"}]", "entry 1: network: missing" },
    { "[{\"registry\":\"https://r\",\"network\":\"a/b\",\"pubKey\":\"" PUBLIC_KEY "\"}]", "line 1: network: not a" },
    { "[{\"registry\":\"https://r\",\"network\":\"n\",\"netreg\":[]}]", "line 1: netreg: not a string" },
    { "[{\"registry\":\"https://r\",\"network\":\"n\",\"netreg\":\"a b\"}]", "line 1: netreg: not a" },
    { "[{\"registry\":\"https://r\",\"network\":\"n\"}]", "entry 1: pubKey: missing" },
    { "[{\"registry\":\"https://r\",\"network\":\"n\",\"pubKey\":null}]", "line 1: pubKey: not a string" },
    { "[[]]", "entry 1: not an object" },
    { "[1, {}]", "entry 1: not an object" },
    { "[]", "no entry" },
    { "[\"x\"]", "entry 1: not an object" },
    { "[\n{]", "line 2: not valid JSON (not JSON at “]”)" },
    { "[{\"network\":\"n\",\n\"network\":\"m\"}]", "line 2: network is there twice" },
    { "[{\"registry\":\"https://r\"}] {}", "line 1: not valid JSON" },
    { "[{\"registry\":\"https://r\"}", "JSON ends too early" },
    { "// x\n[{}]", "neither" },
    { "[{\"registry\":\"https://r\"}, // x\n]", "JSON has no comments" },
    { "[{\"registry\":\"https://r\xff\"}]", "not valid JSON" },
    { "{\"name\":\"left-pad\"}", "entry 1: registry: missing" },
    { "\"text\"", "neither" },
    { "", "neither" },
    { "  \n", "neither" },
    { "[", "neither" },
    /* What is quoted does not reach the terminal as it is. */
    { "[{\"registry\":\"https://\\u001b[31m\",\"network\":\"n\",\"pubKey\":\"\"}]", "registry: “https:// [31m”" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_refused (cases[i].json, cases[i].part);
}

static void
edge_placeholder (void)
{
  const char *files[] = { "edge-placeholder-1.json", "edge-placeholder-2.json" };
  const char *keys[] = { "ThisIsAVeryAwesomeWireGuardPublicKey", "pasteYourEdgePublicKeyHere" };

  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree char *path = data_file (files[i]);
      g_autofree char *json = NULL;

      g_assert_true (g_file_get_contents (path, &json, NULL, NULL));
      assert_refused (json, "pubKey: not a WireGuard key");
      assert_refused (json, "line 5: ");
      assert_refused (json, keys[i]);
    }
}

static void
edge_deep (void)
{
  g_autofree char *deep = g_strnfill (SCOPE_IMPORT_MAX, '[');
  g_autoptr (GString) closed = g_string_new (NULL);

  assert_refused (deep, "line 1: not valid JSON (more than 32 levels deep)");
  for (guint i = 0; i < 100000; i++)
    g_string_append (closed, "{\"a\":");
  assert_refused (closed->str, "more than 32 levels deep");
}

/* What export makes of full.scope: all of it but the secrets, which are named. */
static char *
exported_golden (void)
{
  g_autofree char *path = data_file ("full.scope");
  g_autofree char *golden = NULL;
  char *group, *secrets;

  g_assert_true (g_file_get_contents (path, &golden, NULL, NULL));
  group = strstr (golden, "[scope-profile]");
  secrets = strstr (golden, "\n[secrets]\n");
  *secrets = '\0';
  return g_strdup_printf ("%.*s"
                          "# Secrets are not in this file. The connection that it came from had: "
                          "private-key, preshared-key, token, identity.\n"
                          "# To give them to the new connection: nmcli connection modify NAME vpn.secrets 'KEY=..., KEY=...'\n%s",
                          (int) (group - golden), golden, group);
}

/* Every row of the table, and every secret's flags, goes out as it came in. */
static void
profile_round_trip (void)
{
  g_autoptr (NMConnection) back = NULL;
  g_autofree char *golden = NULL;
  g_autoptr (GPtrArray) notes = notes_new ();
  g_autoptr (NMConnection) c = import_golden ("full.scope", notes);
  NMSettingVpn *vpn = nm_connection_get_setting_vpn (c);
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  gsize len;

  assert_verifies (c);
  g_assert_cmpuint (notes->len, ==, 0);
  g_assert_cmpstr (nm_connection_get_id (c), ==, "Büro \\ Süd");
  g_assert_false (nm_setting_vpn_get_persistent (vpn));
  for (const ScopeSettingInfo *info = scope_setting_infos; info->name; info++)
    {
      g_autofree char *flags = g_strconcat (info->name, "-flags", NULL);

      g_test_message ("%s", info->name);
      g_assert_nonnull (info->secret ? nm_setting_vpn_get_secret (vpn, info->name) : item (c, info->name));
      if (info->secret)
        g_assert_cmpstr (item (c, flags), ==, g_str_equal (info->name, SCOPE_SETTING_PRIVATE_KEY) ? "0" : "1");
    }
  g_assert_cmpstr (nm_setting_vpn_get_secret (vpn, SCOPE_SETTING_PRIVATE_KEY), ==, PRIVATE_KEY);
  g_assert_cmpstr (item (c, SCOPE_SETTING_CA), ==, "/etc/ssl/Büro ca.pem");

  text = scope_profile_encode (c, &len, &error);
  g_assert_no_error (error);
  golden = exported_golden ();
  g_assert_cmpstr (text, ==, golden);
  g_assert_cmpuint (len, ==, strlen (golden));

  /* Back again it is the same connection, without its secrets. */
  back = scope_import_bytes (text, len, NULL, &error);
  g_assert_no_error (error);
  nm_connection_clear_secrets (c);
  g_assert_true (nm_connection_compare (c, back, NM_SETTING_COMPARE_FLAG_EXACT));
}

/* Texts that a keyfile must escape. */
static void
profile_escapes (void)
{
  const char *ids[] = { " leading", "a\nb\tc\rd", "[group]", "#x=y;z", "\\s\\n", "日本", "a;b" };

  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    {
      g_autoptr (NMConnection) c = scope_import_connection_new (ids[i]);
      g_autoptr (NMConnection) back = NULL;
      g_autoptr (GError) error = NULL;
      g_autofree char *text = NULL;
      gsize len;

      nm_setting_vpn_add_data_item (nm_connection_get_setting_vpn (c), SCOPE_SETTING_REGISTRY, "https://r");
      nm_setting_vpn_add_data_item (nm_connection_get_setting_vpn (c), SCOPE_SETTING_NETWORK, "n");
      text = scope_profile_encode (c, &len, &error);
      g_assert_no_error (error);
      back = scope_import_bytes (text, len, NULL, &error);
      g_assert_no_error (error);
      g_assert_true (nm_connection_compare (c, back, NM_SETTING_COMPARE_FLAG_EXACT));
    }
}

static void
profile_defaults (void)
{
  const char *text = "\xef\xbb\xbf# hand-made\r\n\n#\n  " PROFILE "mtu=\ncolour=red\n[paint]\ncolour=red\n"
                     "[secrets]\npreshared-key=" PRIVATE_KEY "\ndns=1.2.3.4\n";
  g_autoptr (GPtrArray) notes = notes_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (NMConnection) c = scope_import_bytes (text, strlen (text), notes, &error);

  g_assert_no_error (error);
  assert_verifies (c);
  g_assert_cmpstr (nm_connection_get_id (c), ==, "n");
  g_assert_true (nm_setting_vpn_get_persistent (nm_connection_get_setting_vpn (c)));
  g_assert_null (item (c, SCOPE_SETTING_MTU));
  g_assert_null (item (c, "colour"));
  g_assert_null (item (c, SCOPE_SETTING_DNS));
  g_assert_cmpstr (item (c, SCOPE_SETTING_PRIVATE_KEY "-flags"), ==, "0");
  g_assert_cmpstr (item (c, SCOPE_SETTING_PRESHARED_KEY "-flags"), ==, "0");
  g_assert_cmpuint (notes->len, ==, 3);
  g_assert_cmpstr (notes->pdata[0], ==, "[vpn] colour: no such setting, ignored");
  g_assert_cmpstr (notes->pdata[1], ==, "[secrets] dns: no such setting, ignored");
  g_assert_cmpstr (notes->pdata[2], ==, "[paint]: not known, ignored");
}

static void
profile_wrong (void)
{
  const struct {
    const char *text, *part;
  } cases[] = {
    { "[scope-profile]\n[vpn]\n", "[scope-profile] version: missing" },
    { "[scope-profile]\nversion=one\n", "[scope-profile] version: not a number" },
    { "[scope-profile]\nversion=0\n", "[scope-profile] version: not a number" },
    { "[scope-profile]\nversion=2\n", "version 2 of the format by a newer NetworkManager-scope" },
    { "[scope-profile]\nversion=1\nid=\n", "[scope-profile] id: empty" },
    { "[scope-profile]\nversion=1\npersistent=perhaps\n", "[scope-profile] persistent: neither" },
    { "[scope-profile]\nversion=1\n", "[vpn] registry: missing" },
    { "[scope-profile]\nversion=1\n[vpn]\nregistry=https://r\n", "[vpn] network: missing" },
    { "[scope-profile]\nversion=1\n[vpn]\nregistry=\nnetwork=n\n", "[vpn] registry: missing" },
    { PROFILE "mtu=12\n", "[vpn] mtu: “12” is not a number from 576" },
    { PROFILE "public-key=x\n", "[vpn] public-key: not a WireGuard key" },
    { PROFILE "dns=\\x\n", "[vpn] dns: " },
    { PROFILE "private-key=" PRIVATE_KEY "\n", "[vpn] private-key: a secret, it belongs into [secrets]" },
    { PROFILE "private-key-flags=8\n", "[vpn] private-key-flags: " },
    { PROFILE "[secrets]\nprivate-key=" PRIVATE_KEY PRIVATE_KEY "\n", "[secrets] private-key: not a WireGuard key" },
    { PROFILE "mtu\n", "line 6: neither a [group], nor a key" },
    { PROFILE "mtu=1280\nmtu=1280\n", "line 7: [vpn] mtu is there already, in line 6" },
    { PROFILE "[secrets]\n[vpn]\n", "line 7: [vpn] is there already, in line 3" },
    { PROFILE "[vpn\n", "line 6: not the name of a group" },
    { PROFILE "[]\n", "line 6: not the name of a group" },
    { PROFILE "=x\n", "line 6: neither a [group], nor a key" },
    { PROFILE "mtu[de]=1280\n", "line 6: neither a [group], nor a key" },
    { PROFILE "# \xff\n", "line 6: not valid UTF-8" },
    { PROFILE "pq=required\n", "[vpn] pq: post-quantum keys need a network that is pinned" },
    { PROFILE "mode=keys-only\n", "[vpn] wireguard: missing" },
    { PROFILE "wireguard=wg0\n", "[vpn] wireguard: only possible with mode keys-only" },
    { "[scope-profile2]\nversion=1\n", "neither" },
    { "[vpn]\nregistry=https://r\n[scope-profile]\nversion=1\n", "neither" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_test_message ("%s", cases[i].part);
      assert_refused (cases[i].text, cases[i].part);
    }

  g_autofree char *nul = import_error (PROFILE "mtu=1\0002\n", sizeof PROFILE "mtu=1\0002\n" - 1);
  g_assert_cmpstr (nul, ==, "line 6: a NUL byte; this is not text");

  /* A wrong secret is not quoted, since messages are logged. */
  g_autofree char *message = import_error (PROFILE "[secrets]\nprivate-key=" PRIVATE_KEY "x\n", -1);
  g_assert_null (strstr (message, PRIVATE_KEY));
}

#define TOKEN "hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo"
#define FINGERPRINT "abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrsa"
#define INVITE_BASE "registry=https://r\nnetwork=n\nroot=" FINGERPRINT "\ntoken=" TOKEN "\n"
#define INVITE "[scope-invite]\nversion=1\n" INVITE_BASE
#define INVITE_GOOD INVITE "expires=2999-01-01T00:00:00Z\n"
#define NOON G_GINT64_CONSTANT (1900000000) /* 2030-03-17T17:46:40Z */

/* The golden file, as scopectl writes it, becomes a profile that needs nothing but "up". */
static void
invite_golden (void)
{
  g_autofree char *path = data_file ("invite.scope");
  g_autofree char *golden = NULL;
  g_autoptr (GPtrArray) notes = notes_new ();
  g_autoptr (NMConnection) c = import_golden ("invite.scope", notes);
  NMSettingVpn *vpn = nm_connection_get_setting_vpn (c);
  g_autoptr (ScopeInviteFile) invite = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL, *exported = NULL;
  gsize len;

  assert_verifies (c);
  g_assert_cmpstr (nm_connection_get_id (c), ==, "home");
  g_assert_null (nm_connection_get_uuid (c));
  g_assert_true (nm_setting_vpn_get_persistent (vpn));
  g_assert_cmpstr (item (c, SCOPE_SETTING_REGISTRY), ==, "https://registry.example/scope https://[2001:db8::1]:8443");
  g_assert_cmpstr (item (c, SCOPE_SETTING_NETWORK), ==, "home");
  g_assert_cmpstr (item (c, SCOPE_SETTING_ROOT), ==, FINGERPRINT);
  g_assert_cmpstr (item (c, SCOPE_SETTING_PQ), ==, "preferred");
  g_assert_cmpstr (item (c, SCOPE_SETTING_CA), ==, "/etc/ssl/scope-ca.pem");
  g_assert_cmpstr (item (c, SCOPE_SETTING_TOKEN "-flags"), ==, "0");
  g_assert_cmpstr (item (c, SCOPE_SETTING_PRIVATE_KEY "-flags"), ==, "0");
  g_assert_cmpuint (nm_setting_vpn_get_num_data_items (vpn), ==, 7);
  g_assert_cmpstr (nm_setting_vpn_get_secret (vpn, SCOPE_SETTING_TOKEN), ==, TOKEN);
  g_assert_cmpuint (nm_setting_vpn_get_num_secrets (vpn), ==, 1);
  g_assert_cmpuint (notes->len, ==, 1);
  assert_contains ((char *) notes->pdata[0], "invite.scope: the invite lets one machine in, until 2999-01-01");
  assert_contains ((char *) notes->pdata[0], "nmcli connection up home");

  g_assert_true (g_file_get_contents (path, &golden, NULL, NULL));
  invite = scope_invite_file_parse (golden, strlen (golden), NOON, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (invite->name, ==, "Büro \\ laptop");
  text = scope_invite_file_format (invite);
  g_assert_cmpstr (text, ==, golden);

  /* What came from an invite can be handed on as a profile. */
  exported = scope_profile_encode (c, &len, &error);
  g_assert_no_error (error);
  assert_contains (exported, "had: token.\n");
  assert_contains (exported, "token-flags=0");
  g_assert_null (strstr (exported, TOKEN));
}

static void
invite_small (void)
{
  const char *text = "\xef\xbb\xbf# hand-made\r\n" INVITE_GOOD "colour=red\npq=\nca=\n[vpn]\nmtu=1\n";
  g_autoptr (GPtrArray) notes = notes_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (NMConnection) c = scope_import_bytes (text, strlen (text), notes, &error);

  g_assert_no_error (error);
  assert_verifies (c);
  g_assert_null (item (c, SCOPE_SETTING_PQ));
  g_assert_null (item (c, SCOPE_SETTING_CA));
  g_assert_null (item (c, SCOPE_SETTING_MTU));
  g_assert_cmpuint (notes->len, ==, 3);
  g_assert_cmpstr (notes->pdata[0], ==, "[scope-invite] colour: not known, ignored");
  g_assert_cmpstr (notes->pdata[1], ==, "[vpn]: not known, ignored");
}

static void
invite_expiry (void)
{
  static const struct {
    const char *expires;
    gboolean good;
  } cases[] = {
    { "2030-03-17T17:46:41Z", TRUE },      { "2030-03-17T17:46:40Z", FALSE }, { "2030-03-17T17:46:39Z", FALSE },
    { "2030-03-17T19:46:41+02:00", TRUE }, { "2030-03-17T19:46:40+02:00", FALSE }, { "1970-01-01T00:00:00Z", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = g_strdup_printf (INVITE "expires=%s\n", cases[i].expires);
      g_autoptr (GError) error = NULL;
      g_autoptr (NMConnection) c = scope_invite_decode (text, strlen (text), NOON, NULL, &error);

      g_assert_cmpint (c != NULL, ==, cases[i].good);
      if (!c)
        {
          g_assert_error (error, NM_CONNECTION_ERROR, NM_CONNECTION_ERROR_INVALID_PROPERTY);
          assert_contains (error->message, "[scope-invite] expires: the invite expired on ");
          assert_contains (error->message, "clock says 2030-03-17 17:46 UTC");
        }
    }
}

static void
invite_wrong (void)
{
  const struct {
    const char *text, *part;
  } cases[] = {
    { "[scope-invite]\n" INVITE_BASE, "[scope-invite] version: missing" },
    { "[scope-invite]\nversion=x\n", "[scope-invite] version: not a number" },
    { "[scope-invite]\nversion=2\n", "[scope-invite] version: 2: written by a newer" },
    { "[scope-invite]\nversion=1\n", "[scope-invite] registry: missing" },
    { "[scope-invite]\nversion=1\nregistry=x\n", "[scope-invite] registry: “x”" },
    { "[scope-invite]\nversion=1\nregistry=https://r\n", "[scope-invite] network: missing" },
    { "[scope-invite]\nversion=1\nregistry=https://r\nnetwork=n\n", "[scope-invite] root: missing" },
    { "[scope-invite]\nversion=1\nregistry=https://r\nnetwork=n\nroot=x\n", "[scope-invite] root: not a root key" },
    { "[scope-invite]\nversion=1\nregistry=https://r\nnetwork=n\nroot=" FINGERPRINT "\n", "[scope-invite] token: missing" },
    { INVITE, "[scope-invite] expires: missing" },
    { INVITE "expires=tomorrow\n", "[scope-invite] expires: not a time" },
    { INVITE "expires=2999-01-01T00:00:00\n", "[scope-invite] expires: not a time" },
    { INVITE "expires=2020-01-01T00:00:00Z\n", "expired on 2020-01-01 00:00 UTC" },
    { INVITE_GOOD "pq=maybe\n", "[scope-invite] pq: expected" },
    { INVITE_GOOD "ca=x.pem\n", "[scope-invite] ca: not an absolute path" },
    { INVITE_GOOD "name=\n", "[scope-invite] name: expected" },
    { INVITE_GOOD "name=a\\nb\n", "[scope-invite] name: expected" },
    { INVITE_GOOD "name=\\x\n", "[scope-invite] name: " },
    { INVITE_GOOD "token=" TOKEN "\n", "line 8: [scope-invite] token is there already, in line 6" },
    { INVITE_GOOD "token\n", "line 8: neither a [group]" },
    { INVITE_GOOD "#\xff\n", "line 8: not valid UTF-8" },
  };
  g_autofree char *filler = g_strnfill (SCOPE_INVITE_FILE_MAX, 'x');
  g_autofree char *big = g_strconcat (INVITE_GOOD "#", filler, "\n", NULL);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_test_message ("%s", cases[i].part);
      assert_refused (cases[i].text, cases[i].part);
    }
  assert_refused (big, "larger than 16384 bytes");
  g_autofree char *message = import_error (
      "[scope-invite]\nversion=1\nregistry=https://r\nnetwork=n\nroot=" FINGERPRINT "\ntoken=" TOKEN "x\n", -1);
  g_assert_cmpstr (message, ==, "[scope-invite] token: not a join token (43 characters of base64url)");
  g_autofree char *bare = import_error (INVITE_GOOD TOKEN "\n", -1);
  g_assert_cmpstr (bare, ==, "line 8: neither a [group], nor a key and its value with “=” between them, nor a comment");
  g_assert_null (scope_invite_file_parse ("[x]\n", 4, 0, NULL, &error));
  g_assert_true (scope_err_invalid (error));
  g_assert_cmpstr (error->message, ==, "[scope-invite]: missing");
}

static void
assert_file_refused (const char *path, GQuark domain, int code, const char *part)
{
  g_autoptr (GPtrArray) notes = notes_new ();
  g_autoptr (GError) error = NULL;

  g_test_message ("%s", path);
  g_assert_null (scope_import_file (path, notes, &error));
  g_assert_error (error, domain, code);
  g_autofree char *name = g_path_get_basename (path);
  g_autofree char *prefix = g_strdup_printf ("%s: ", name);
  g_assert_true (g_str_has_prefix (error->message, prefix));
  assert_contains (error->message, part);
  g_assert_cmpuint (notes->len, ==, 0);
}

static void
foreign_files (void)
{
  const char *names[] = { "wg-quick.conf", "client.ovpn", "empty" };
  g_autofree char *dir = g_dir_make_tmp ("scope-import-XXXXXX", NULL);
  g_autofree char *fifo = g_build_filename (dir, "fifo", NULL);
  g_autofree char *missing = g_build_filename (dir, "missing", NULL);
  g_autofree char *huge = g_build_filename (dir, "huge", NULL);
  g_autofree char *json = data_file ("foreign.json");

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = data_file (names[i]);
      assert_file_refused (path, NM_CONNECTION_ERROR, NM_CONNECTION_ERROR_FAILED, "neither");
    }
  assert_file_refused (json, NM_CONNECTION_ERROR, NM_CONNECTION_ERROR_INVALID_PROPERTY, "registry: missing");
  assert_file_refused (dir, G_FILE_ERROR, G_FILE_ERROR_ISDIR, "");
  assert_file_refused (missing, G_FILE_ERROR, G_FILE_ERROR_NOENT, "");
  assert_file_refused ("/dev/zero", G_FILE_ERROR, G_FILE_ERROR_INVAL, "not a regular file");

  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  alarm (5); /* an open that waits for a writer would wait for ever */
  assert_file_refused (fifo, G_FILE_ERROR, G_FILE_ERROR_INVAL, "not a regular file");
  alarm (0);

  /* A tebibyte of nothing, then one that begins as ours do. */
  g_assert_true (g_file_set_contents (huge, "", 0, NULL));
  g_assert_cmpint (truncate (huge, G_GINT64_CONSTANT (1) << 40), ==, 0);
  assert_file_refused (huge, NM_CONNECTION_ERROR, NM_CONNECTION_ERROR_FAILED, "neither");
  g_assert_true (g_file_set_contents (huge, "[scope-profile]\n", -1, NULL));
  g_assert_cmpint (truncate (huge, G_GINT64_CONSTANT (1) << 40), ==, 0);
  assert_file_refused (huge, NM_CONNECTION_ERROR, NM_CONNECTION_ERROR_FAILED, "larger than 1048576 bytes");
  g_assert_true (g_file_set_contents (huge, "[{", -1, NULL));
  g_assert_cmpint (truncate (huge, G_GINT64_CONSTANT (1) << 40), ==, 0);
  assert_file_refused (huge, NM_CONNECTION_ERROR, NM_CONNECTION_ERROR_FAILED, "larger than 1048576 bytes");

  g_unlink (fifo);
  g_unlink (huge);
  g_rmdir (dir);
}

static void
random_bytes (void)
{
  for (guint i = 0; i < 2000; i++)
    {
      char data[64];
      for (guint j = 0; j < sizeof data; j++)
        data[j] = g_test_rand_int_range (0, 256);
      g_autofree char *message = import_error (data, sizeof data);
      g_assert_nonnull (message);
    }
}

static void
export_file (void)
{
  g_autofree char *dir = g_dir_make_tmp ("scope-export-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (dir, "x.scope", NULL);
  g_autofree char *nowhere = g_build_filename (dir, "no", "x.scope", NULL);
  g_autofree char *golden = exported_golden ();
  g_autofree char *text = NULL;
  g_autoptr (GPtrArray) notes = notes_new ();
  g_autoptr (NMConnection) c = import_golden ("full.scope", NULL);
  g_autoptr (GError) error = NULL;
  struct stat st;

  /* The mode is ours even if an open file was there. */
  g_assert_true (g_file_set_contents_full (path, "old", -1, G_FILE_SET_CONTENTS_NONE, 0666, NULL));
  g_assert_cmpint (g_chmod (path, 0644), ==, 0);
  g_assert_true (scope_export_file (path, c, notes, &error));
  g_assert_no_error (error);
  g_assert_cmpint (g_stat (path, &st), ==, 0);
  g_assert_cmpuint (st.st_mode & 07777, ==, 0600);
  g_assert_cmpuint (notes->len, ==, 1);
  g_assert_cmpstr (notes->pdata[0], ==,
                   "x.scope: the secrets of the connection are not in this file: private-key, preshared-key, token, identity");
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, golden);

  /* Without secrets there is nothing to say of them. */
  nm_connection_clear_secrets (c);
  g_ptr_array_set_size (notes, 0);
  g_assert_true (scope_export_file (path, c, notes, NULL));
  g_assert_cmpuint (notes->len, ==, 0);
  g_clear_pointer (&text, g_free);
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_null (strstr (text, "ecrets"));
  assert_contains (text, "preshared-key-flags=1");

  g_assert_false (scope_export_file (nowhere, c, NULL, &error));
  g_assert_true (error->domain == G_FILE_ERROR);
  g_clear_error (&error);
  g_assert_false (scope_export_file (dir, c, NULL, &error));
  g_assert_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL);
  g_clear_error (&error);
  g_unlink (path);
  g_assert_cmpint (mkfifo (path, 0600), ==, 0); /* as /dev/stdout may be: renaming would replace it */
  g_assert_false (scope_export_file (path, c, NULL, &error));
  g_assert_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL);
  g_assert_cmpint (g_stat (path, &st), ==, 0);
  g_assert_true (S_ISFIFO (st.st_mode));

  g_unlink (path);
  g_assert_cmpint (g_rmdir (dir), ==, 0); /* no temporary file is left */
}

static void
export_wrong (void)
{
  const struct {
    const char *name, *value, *part;
  } cases[] = {
    { SCOPE_SETTING_MTU, "1", "[vpn] mtu: " },
    { SCOPE_SETTING_PRIVATE_KEY, PRIVATE_KEY, "[vpn] private-key: " },
    { SCOPE_SETTING_PRIVATE_KEY "-flags", "x", "[vpn] private-key-flags: " },
    { "colour", "red", "[vpn] colour: no such setting" },
    { SCOPE_SETTING_ROOT, "x", "[vpn] root: not a root key" },
    { SCOPE_SETTING_MODE, "full", "[vpn] wireguard: only possible with mode keys-only" },
  };
  g_autoptr (NMConnection) empty = scope_import_connection_new ("x");
  g_autoptr (NMConnection) other = import_golden ("full.scope", NULL);
  g_autoptr (NMConnection) none = nm_simple_connection_new ();
  g_autoptr (GError) error = NULL;
  gsize len;

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (NMConnection) c = import_golden ("full.scope", NULL);
      NMSettingVpn *vpn = nm_connection_get_setting_vpn (c);
      g_autoptr (GError) why = NULL;

      nm_setting_vpn_add_data_item (vpn, cases[i].name, cases[i].value);
      g_assert_null (scope_profile_encode (c, &len, &why));
      g_assert_error (why, NM_CONNECTION_ERROR, NM_CONNECTION_ERROR_INVALID_PROPERTY);
      assert_contains (why->message, cases[i].part);
    }
  nm_setting_vpn_add_data_item (nm_connection_get_setting_vpn (empty), SCOPE_SETTING_REGISTRY, "");
  g_assert_null (scope_profile_encode (empty, &len, &error));
  assert_contains (error->message, "[vpn] registry: missing");
  g_clear_error (&error);
  g_object_set (nm_connection_get_setting_vpn (other), NM_SETTING_VPN_SERVICE_TYPE, "org.example", NULL);
  g_assert_null (scope_profile_encode (other, &len, &error));
  g_assert_error (error, NM_CONNECTION_ERROR, NM_CONNECTION_ERROR_INVALID_SETTING);
  g_clear_error (&error);
  g_assert_null (scope_profile_encode (none, &len, &error));
  g_assert_error (error, NM_CONNECTION_ERROR, NM_CONNECTION_ERROR_INVALID_SETTING);
}

static void
export_filename (void)
{
  g_autofree char *longest = g_strnfill (400, 'x');
  const struct {
    const char *id, *name;
  } cases[] = {
    { "Office", "Office.scope" },
    { "Büro 2", "Büro 2.scope" },
    { "../../etc/passwd", "_._.._etc_passwd.scope" },
    { ".hidden", "_hidden.scope" },
    { "-rf", "_rf.scope" },
    { "a\nb\x1b[m", "a_b__m.scope" },
    { "c:\\x", "c__x.scope" },
    { "", "scope.scope" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (NMConnection) c = scope_import_connection_new (cases[i].id);
      g_autofree char *name = scope_export_filename (c);
      g_assert_cmpstr (name, ==, cases[i].name);
    }
  g_autoptr (NMConnection) c = scope_import_connection_new (longest);
  g_autofree char *name = scope_export_filename (c);
  g_assert_cmpuint (strlen (name), <, 255);
}

static void
examples (void)
{
  const char *names[] = { "edge.json", "office.scope" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_build_filename (SCOPE_SRCDIR, "data", "examples", names[i], NULL);
      g_autoptr (GError) error = NULL;
      g_autoptr (NMConnection) c = scope_import_file (path, NULL, &error);
      g_assert_no_error (error);
      assert_verifies (c);
    }
}

static GString *printed;

static void
on_printerr (const char *text)
{
  g_string_append (printed, text);
}

static void
plugin (void)
{
  g_autofree char *so = g_build_filename (SCOPE_BUILDDIR, "properties", ".libs", "libnm-vpn-plugin-scope.so", NULL);
  g_autofree char *several = data_file ("edge-several.json");
  g_autofree char *full = data_file ("full.scope");
  g_autofree char *foreign = data_file ("wg-quick.conf");
  g_autofree char *name = NULL, *description = NULL, *service = NULL, *filename = NULL, *golden = NULL, *text = NULL;
  g_autofree char *dir = g_dir_make_tmp ("scope-plugin-XXXXXX", NULL);
  g_autofree char *out = g_build_filename (dir, "out.scope", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (NMVpnEditorPlugin) p = nm_vpn_editor_plugin_load_from_file (so, SCOPE_NM_SERVICE, -1, NULL, NULL, &error);
  g_autoptr (NMConnection) c = NULL;
  GPrintFunc old;

  g_assert_no_error (error);
  g_object_get (p, NM_VPN_EDITOR_PLUGIN_NAME, &name, NM_VPN_EDITOR_PLUGIN_DESCRIPTION, &description,
                NM_VPN_EDITOR_PLUGIN_SERVICE, &service, NULL);
  g_assert_cmpstr (name, ==, "Scope");
  g_assert_nonnull (description);
  g_assert_cmpstr (service, ==, SCOPE_NM_SERVICE);
  g_assert_cmpuint (nm_vpn_editor_plugin_get_capabilities (p), ==,
                    NM_VPN_EDITOR_PLUGIN_CAPABILITY_IMPORT | NM_VPN_EDITOR_PLUGIN_CAPABILITY_EXPORT |
                        NM_VPN_EDITOR_PLUGIN_CAPABILITY_IPV6);

  printed = g_string_new (NULL);
  old = g_set_printerr_handler (on_printerr);
  g_assert_null (nm_vpn_editor_plugin_import (p, foreign, &error));
  g_assert_error (error, NM_CONNECTION_ERROR, NM_CONNECTION_ERROR_FAILED);
  g_clear_error (&error);
  g_assert_cmpstr (printed->str, ==, ""); /* every VPN plugin is asked in turn: no noise */
  c = nm_vpn_editor_plugin_import (p, several, NULL);
  g_assert_nonnull (c);
  assert_contains (printed->str, "edge-several.json: imported “net-a”; 3 more entries were left out: “net-b”");
  g_set_printerr_handler (old);
  g_string_free (printed, TRUE);
  filename = nm_vpn_editor_plugin_get_suggested_filename (p, c);
  g_assert_cmpstr (filename, ==, "net-a.scope");

  g_assert_null (nm_vpn_editor_plugin_get_editor (p, c, &error));
  g_assert_error (error, NM_VPN_PLUGIN_ERROR, NM_VPN_PLUGIN_ERROR_FAILED);
  assert_contains (error->message, "needs a program with GTK 3 or GTK 4");
  g_clear_error (&error);

  g_clear_object (&c);
  c = nm_vpn_editor_plugin_import (p, full, &error);
  g_assert_no_error (error);
  g_assert_true (nm_vpn_editor_plugin_export (p, out, c, &error));
  g_assert_no_error (error);
  golden = exported_golden ();
  g_assert_true (g_file_get_contents (out, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, golden);
  g_unlink (out);
  g_rmdir (dir);
}

/* The .name file as make wrote it: what libnm and NetworkManager read from it. */
static void
name_file (void)
{
  g_autofree char *path = g_build_filename (SCOPE_BUILDDIR, "data", "nm-scope-service.name", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (NMVpnPluginInfo) info = nm_vpn_plugin_info_new_from_file (path, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (nm_vpn_plugin_info_get_name (info), ==, "scope");
  g_assert_cmpstr (nm_vpn_plugin_info_get_service (info), ==, SCOPE_NM_SERVICE);
  g_assert_true (nm_vpn_plugin_info_supports_multiple (info));
  g_assert_true (g_path_is_absolute (nm_vpn_plugin_info_get_plugin (info)));
  g_assert_true (g_str_has_suffix (nm_vpn_plugin_info_get_plugin (info), "/libnm-vpn-plugin-scope.so"));
  g_assert_true (g_path_is_absolute (nm_vpn_plugin_info_get_program (info)));
  g_assert_null (strchr (nm_vpn_plugin_info_get_program (info), '$'));
}

/* The man page has an entry for every key, with its description, and no other. */
static void
man_page (void)
{
  g_autofree char *path = g_build_filename (SCOPE_BUILDDIR, "data", "man", "nm-settings-scope.5", NULL);
  g_autofree char *page = NULL;
  g_auto (GStrv) entries = NULL;
  guint rows = 0;

  g_assert_true (g_file_get_contents (path, &page, NULL, NULL));
  entries = g_strsplit (page, ".TP\n.BR ", -1);
  for (const ScopeSettingInfo *info = scope_setting_infos; info->name; info++)
    {
      g_auto (GStrv) parts = g_strsplit (info->name, "-", -1);
      g_autofree char *escaped = g_strjoinv ("\\-", parts);
      g_auto (GStrv) words = g_strsplit (info->description, "-", -1);
      g_autofree char *description = g_strjoinv ("\\-", words);
      g_autofree char *limits = scope_setting_limits_text (info->type);
      g_auto (GStrv) kinds = g_strsplit (limits, "-", -1);
      g_autofree char *kind = g_strjoinv ("\\-", kinds);
      g_autofree char *entry = g_strdup_printf ("%s \" (%s%s)\"\n%.20s", escaped, kind, info->required ? ", required" : "",
                                                description);

      rows++;
      g_assert_nonnull (entries[rows]);
      g_assert_true (g_str_has_prefix (entries[rows], entry));
    }
  g_assert_cmpuint (g_strv_length (entries), ==, rows + 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/import/edge/one", edge_one);
  g_test_add_func ("/import/edge/several", edge_several);
  g_test_add_func ("/import/edge/many", edge_many);
  g_test_add_func ("/import/edge/beside-wg-quick", edge_beside_wg_quick);
  g_test_add_func ("/import/edge/key-forms", edge_key_forms);
  g_test_add_func ("/import/edge/wrong", edge_wrong);
  g_test_add_func ("/import/edge/placeholder", edge_placeholder);
  g_test_add_func ("/import/edge/deep", edge_deep);
  g_test_add_func ("/import/profile/round-trip", profile_round_trip);
  g_test_add_func ("/import/profile/escapes", profile_escapes);
  g_test_add_func ("/import/profile/defaults", profile_defaults);
  g_test_add_func ("/import/profile/wrong", profile_wrong);
  g_test_add_func ("/import/invite/golden", invite_golden);
  g_test_add_func ("/import/invite/small", invite_small);
  g_test_add_func ("/import/invite/expiry", invite_expiry);
  g_test_add_func ("/import/invite/wrong", invite_wrong);
  g_test_add_func ("/import/foreign/files", foreign_files);
  g_test_add_func ("/import/foreign/random", random_bytes);
  g_test_add_func ("/export/file", export_file);
  g_test_add_func ("/export/wrong", export_wrong);
  g_test_add_func ("/export/filename", export_filename);
  g_test_add_func ("/plugin/examples", examples);
  g_test_add_func ("/plugin/library", plugin);
  g_test_add_func ("/plugin/name-file", name_file);
  g_test_add_func ("/plugin/man-page", man_page);
  return g_test_run ();
}

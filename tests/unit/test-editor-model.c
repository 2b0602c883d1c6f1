/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the editor has that needs no toolkit: the model, mnemonics. tests/desktop/test-editor has the rest. */
#include "config.h"

#include "properties/scope-mnemonic.h"
#include "properties/scope-model.h"

#define PRIVATE_KEY "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
#define PUBLIC_KEY "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw="

static NMConnection *
connection_new (const char *first, ...)
{
  NMConnection *connection = nm_simple_connection_new ();
  NMSettingVpn *vpn = NM_SETTING_VPN (nm_setting_vpn_new ());
  va_list args;

  va_start (args, first);
  for (const char *key = first; key; key = va_arg (args, const char *))
    {
      const char *value = va_arg (args, const char *);
      const ScopeSettingInfo *info = scope_setting_find (key);

      if (info && info->secret)
        nm_setting_vpn_add_secret (vpn, key, value);
      else
        nm_setting_vpn_add_data_item (vpn, key, value);
    }
  va_end (args);
  nm_connection_add_setting (connection, NM_SETTING (vpn));
  return connection;
}

static const char *
data (NMConnection *connection, const char *key)
{
  return nm_setting_vpn_get_data_item (nm_connection_get_setting_vpn (connection), key);
}

static const char *
secret (NMConnection *connection, const char *key)
{
  return nm_setting_vpn_get_secret (nm_connection_get_setting_vpn (connection), key);
}

static void
set (ScopeModel *model, const char *key, const char *value)
{
  scope_model_set (model, scope_setting_find (key), value);
}

static const char *
why (ScopeModel *model, const char *key)
{
  return scope_model_why (model, scope_setting_find (key));
}

static void
apply (ScopeModel *model, NMConnection *connection)
{
  g_autoptr (GError) error = NULL;

  scope_model_apply (model, connection, &error);
  g_assert_no_error (error);
}

/* The host hands the same connection over again and again: what was taken back is gone. */
static void
taken_back (void)
{
  g_autoptr (NMConnection) connection = connection_new ("registry", "http://r", "network", "n", "tomorrow", "x", NULL);
  g_autoptr (ScopeModel) model = scope_model_new (connection);

  g_assert_false (scope_model_is_new (model));
  set (model, "mtu", "1400");
  set (model, "network", "m");
  apply (model, connection);
  g_assert_cmpstr (data (connection, "mtu"), ==, "1400");
  g_assert_cmpstr (data (connection, "network"), ==, "m");
  set (model, "mtu", " ");
  set (model, "network", "n");
  apply (model, connection);
  g_assert_null (data (connection, "mtu"));
  g_assert_cmpstr (data (connection, "network"), ==, "n");
  g_assert_cmpstr (data (connection, "tomorrow"), ==, "x");
  g_assert_null (data (connection, "private-key-flags"));
}

static void
refused (void)
{
  g_autoptr (NMConnection) connection = connection_new ("registry", "http://r", "network", "n", NULL);
  g_autoptr (ScopeModel) model = scope_model_new (connection);
  g_autoptr (GError) error = NULL;

  set (model, "listen-port", "0");
  set (model, "network", "m");
  g_assert_nonnull (why (model, "listen-port"));
  g_assert_null (why (model, "network"));
  g_assert_false (scope_model_apply (model, connection, &error));
  g_assert_error (error, NM_CONNECTION_ERROR, NM_CONNECTION_ERROR_INVALID_PROPERTY);
  g_assert_true (g_str_has_prefix (error->message, "Listen port: "));
  g_assert_cmpstr (data (connection, "network"), ==, "n"); /* nothing of it */
}

/* What is wrong between two settings is said at the one that can put it right. */
static void
together (void)
{
  g_autoptr (NMConnection) connection = connection_new ("registry", "http://r", "network", "n", NULL);
  g_autoptr (ScopeModel) model = scope_model_new (connection);

  set (model, "pq", "required");
  g_assert_nonnull (why (model, "pq"));
  set (model, "root", "abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrsa");
  g_assert_null (why (model, "pq"));
  set (model, "mode", "keys-only");
  g_assert_nonnull (why (model, "wireguard"));
  g_assert_null (why (model, "mode"));
  set (model, "wireguard", "wg0");
  apply (model, connection);
}

static void
secrets (void)
{
  g_autoptr (NMConnection) connection = connection_new ("registry", "http://r", "network", "n", "private-key", PRIVATE_KEY, NULL);
  g_autoptr (ScopeModel) model = scope_model_new (connection);
  const ScopeSettingInfo *info = scope_setting_find ("private-key");

  g_assert_cmpstr (scope_model_get_derived (model), ==, PUBLIC_KEY);
  apply (model, connection);
  g_assert_null (data (connection, "private-key-flags"));
  g_assert_true (scope_model_set_flags (model, info, NM_SETTING_SECRET_FLAG_NOT_SAVED));
  g_assert_false (scope_model_set_flags (model, info, NM_SETTING_SECRET_FLAG_NOT_SAVED));
  apply (model, connection);
  g_assert_cmpstr (data (connection, "private-key-flags"), ==, "2");
  g_assert_null (secret (connection, "private-key"));
  scope_model_set_flags (model, info, NM_SETTING_SECRET_FLAG_NONE);
  apply (model, connection);
  g_assert_null (data (connection, "private-key-flags"));
  g_assert_cmpstr (secret (connection, "private-key"), ==, PRIVATE_KEY);
  set (model, "private-key", "nonsense");
  g_assert_null (scope_model_get_derived (model));
  g_assert_null (strstr (why (model, "private-key"), "nonsense"));
}

/* “Nobody else is asked” comes and goes with an exit that has name servers; what somebody else has chosen stays. */
static void
exit_dns (void)
{
  g_autoptr (NMConnection) connection = connection_new ("registry", "http://r", "network", "n", "dns", "10.0.0.1", NULL);
  g_autoptr (ScopeModel) model = scope_model_new (connection);
  NMSettingIPConfig *ip4, *ip6 = NM_SETTING_IP_CONFIG (nm_setting_ip6_config_new ());

  g_object_set (ip6, NM_SETTING_IP_CONFIG_DNS_PRIORITY, 7, NULL);
  nm_connection_add_setting (connection, NM_SETTING (ip6));
  apply (model, connection);
  g_assert_null (nm_connection_get_setting_ip4_config (connection));
  set (model, "exit", "gate");
  apply (model, connection);
  ip4 = nm_connection_get_setting_ip4_config (connection);
  g_assert_cmpint (nm_setting_ip_config_get_dns_priority (ip4), ==, -50);
  g_assert_cmpint (nm_setting_ip_config_get_dns_priority (ip6), ==, 7);
  set (model, "exit", "");
  apply (model, connection);
  g_assert_cmpint (nm_setting_ip_config_get_dns_priority (ip4), ==, 0);
  set (model, "exit", "gate");
  apply (model, connection);

  g_autoptr (ScopeModel) again = scope_model_new (connection);
  set (again, "exit", "");
  apply (again, connection);
  g_assert_cmpint (nm_setting_ip_config_get_dns_priority (ip4), ==, 0);
  g_assert_cmpint (nm_setting_ip_config_get_dns_priority (ip6), ==, 7);
}

/* What a person has set is put each time, and what nobody has touched never: a host may have a page of its own for it. */
static void
autoconnect (void)
{
  g_autoptr (NMConnection) connection = connection_new ("registry", "http://r", "network", "n", NULL);
  NMSettingConnection *s_con = NM_SETTING_CONNECTION (nm_setting_connection_new ());
  g_autoptr (ScopeModel) model = NULL;

  g_object_set (s_con, NM_SETTING_CONNECTION_AUTOCONNECT, FALSE, NULL);
  nm_connection_add_setting (connection, NM_SETTING (s_con));
  model = scope_model_new (connection);
  g_assert_false (scope_model_get_autoconnect (model));
  g_object_set (s_con, NM_SETTING_CONNECTION_AUTOCONNECT, TRUE, NULL);
  apply (model, connection);
  g_assert_true (nm_setting_connection_get_autoconnect (s_con));
  scope_model_set_autoconnect (model, FALSE);
  apply (model, connection);
  g_assert_false (nm_setting_connection_get_autoconnect (s_con));
  scope_model_set_autoconnect (model, TRUE);
  apply (model, connection);
  g_assert_true (nm_setting_connection_get_autoconnect (s_con));
  scope_model_set_autoconnect (model, FALSE);
  apply (model, connection);
  g_assert_false (nm_setting_connection_get_autoconnect (s_con));
}

static void
mnemonics (void)
{
  const struct {
    const char *label;
    const char *expected;
  } cases[] = {
    { "Registry", "_Registry" },
    { "Routes", "R_outes" },          /* r is gone; a word's other letters */
    { "Root key", "Root _key" },      /* another word's first one before those */
    { "snake_case", "_snake__case" }, /* an underline of its own */
    { "Über", "_Über" },
    { "Сеть", "_Сеть" },
    { "网络", "网络 (_A)" },
    { "注册服务器", "注册服务器 (_B)" },
    { "rRoO", "rRoO" }, /* nothing left */
    { "", " (_D)" },
  };
  g_autoptr (GString) used = g_string_new (NULL);

  scope_mnemonic_reserve (used, "Choose _File…");
  scope_mnemonic_reserve (used, "_Copy");
  scope_mnemonic_reserve (used, "_");
  g_assert_cmpstr (used->str, ==, "fc");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = scope_mnemonic_add (used, cases[i].label);
      g_assert_cmpstr (text, ==, cases[i].expected);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/editor-model/taken-back", taken_back);
  g_test_add_func ("/editor-model/refused", refused);
  g_test_add_func ("/editor-model/together", together);
  g_test_add_func ("/editor-model/secrets", secrets);
  g_test_add_func ("/editor-model/exit-dns", exit_dns);
  g_test_add_func ("/editor-model/autoconnect", autoconnect);
  g_test_add_func ("/editor-model/mnemonics", mnemonics);
  return g_test_run ();
}

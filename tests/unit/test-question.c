/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a person is asked when a start fails, and what becomes of the answer; the banner. */
#include "common/scope-confirm.h"
#include "common/scope-error.h"
#include "common/scope-settings.h"
#include "service/scope-banner.h"
#include "service/scope-last-error.h"
#include "service/scope-question.h"

#include <string.h>

#define ROOT "mphxo5cehogipr7n4wnydwxzucsxkz2p452t33up5jndvjt3shja"
#define OTHER_ROOT "6suctvpce4hif7mqhmrimj57jlptp5a3wet7hde22htrp76wdyea"
#define KEY "6Jx6bSHGgW5sqR1gRZ5PcDhSp2TH2AeBmAZaVSYRzkY="
#define CONFIRM SCOPE_CONFIRM_PREFIX ROOT

/* --- scope-confirm ------------------------------------------------------------------------- */

static void
test_confirm (void)
{
  static const struct {
    const char *answer;
    ScopeConfirm verdict;
  } table[] = {
    { "yes", SCOPE_CONFIRM_YES },
    { " YES\n", SCOPE_CONFIRM_YES },
    { ROOT, SCOPE_CONFIRM_YES },
    { "MPHXO5CE", SCOPE_CONFIRM_YES },
    { "mphx o5ce hogi pr7n 4wny dwxz ucsx kz2p 452t 33up 5jnd vjt3 shja", SCOPE_CONFIRM_YES },
    { "mphx-o5ce", SCOPE_CONFIRM_YES },
    { "mphxo5c", SCOPE_CONFIRM_NO }, /* not what people call it by */
    { "mphxo5ceh", SCOPE_CONFIRM_NO },
    { "mphxo5cd", SCOPE_CONFIRM_OTHER },
    { OTHER_ROOT, SCOPE_CONFIRM_OTHER },
    { "no", SCOPE_CONFIRM_NO },
    { "", SCOPE_CONFIRM_NO },
    { "yesyes", SCOPE_CONFIRM_NO },
  };
  g_autofree char *grouped = scope_confirm_group (ROOT);

  for (gsize i = 0; i < G_N_ELEMENTS (table); i++)
    {
      g_test_message ("“%s”", table[i].answer);
      g_assert_cmpint (scope_confirm_judge (table[i].answer, ROOT), ==, table[i].verdict);
    }
  g_assert_cmpstr (grouped, ==, "mphx o5ce hogi pr7n 4wny dwxz ucsx kz2p 452t 33up 5jnd vjt3 shja");
  g_assert_cmpstr (scope_confirm_root (CONFIRM), ==, ROOT);
  g_assert_null (scope_confirm_root (SCOPE_CONFIRM_PREFIX));
  g_assert_null (scope_confirm_root (SCOPE_CONFIRM_PREFIX "mphxo5ce"));
  g_assert_null (scope_confirm_root (ROOT));
}

/* --- scope-question ------------------------------------------------------------------------ */

/* @flags: of private-key, NULL for none; secrets: NULL for what is not there */
static NMConnection *
connection_new (const char *flags, const char *key, const char *token, const char *answer)
{
  NMConnection *connection = nm_simple_connection_new ();
  NMSetting *s_con = nm_setting_connection_new (), *s_vpn = nm_setting_vpn_new ();

  g_object_set (s_con, NM_SETTING_CONNECTION_ID, "home", NM_SETTING_CONNECTION_UUID, "11111111-2222-3333-4444-555555555555",
                NM_SETTING_CONNECTION_TYPE, NM_SETTING_VPN_SETTING_NAME, NULL);
  g_object_set (s_vpn, NM_SETTING_VPN_SERVICE_TYPE, SCOPE_NM_SERVICE, NULL);
  nm_setting_vpn_add_data_item (NM_SETTING_VPN (s_vpn), SCOPE_SETTING_NETWORK, "home");
  nm_setting_vpn_add_data_item (NM_SETTING_VPN (s_vpn), SCOPE_SETTING_REGISTRY, "https://r.example");
  if (flags)
    nm_setting_vpn_add_data_item (NM_SETTING_VPN (s_vpn), SCOPE_SETTING_PRIVATE_KEY "-flags", flags);
  if (key)
    nm_setting_vpn_add_secret (NM_SETTING_VPN (s_vpn), SCOPE_SETTING_PRIVATE_KEY, key);
  if (token)
    nm_setting_vpn_add_secret (NM_SETTING_VPN (s_vpn), SCOPE_SETTING_TOKEN, token);
  if (answer)
    nm_setting_vpn_add_secret (NM_SETTING_VPN (s_vpn), CONFIRM, answer);
  nm_connection_add_setting (connection, s_con);
  nm_connection_add_setting (connection, s_vpn);
  return connection;
}

static void
test_what_is_asked (void)
{
  static const struct {
    const char *what;
    ScopeError code;
    const char *error;
    const char *flags, *key, *token;
    gboolean v1, asked;
    const char *root;
    const char *hint, *message; /* NULL: nothing is asked; a part of the message */
  } table[] = {
    { "a root key", SCOPE_ERROR_UNCONFIRMED, "", NULL, NULL, NULL, TRUE, FALSE, ROOT, CONFIRM, "mphx o5ce hogi" },
    { "none was met", SCOPE_ERROR_UNCONFIRMED, "", NULL, NULL, NULL, TRUE, FALSE, NULL, NULL, NULL },
    { "used", SCOPE_ERROR_INVITE, "(token-used)", NULL, NULL, "x", TRUE, FALSE, NULL, "token", "was used already" },
    { "expired", SCOPE_ERROR_EXPIRED, "x", NULL, NULL, "x", TRUE, FALSE, NULL, "token", "has expired" },
    { "a stranger", SCOPE_ERROR_NOT_LISTED, "", NULL, NULL, NULL, TRUE, FALSE, NULL, "token", "this computer" },
    { "a forged one", SCOPE_ERROR_NOT_LISTED, "", NULL, NULL, "x", TRUE, FALSE, NULL, "token", "this invite" },
    { "0.0.x: the key", SCOPE_ERROR_NOT_LISTED, "key X", "1", KEY, NULL, FALSE, FALSE, NULL, "private-key", "key X" },
    { "0.0.x: kept for all", SCOPE_ERROR_NOT_LISTED, "", "0", KEY, NULL, FALSE, FALSE, NULL, NULL, NULL },
    { "0.0.x: our own", SCOPE_ERROR_NOT_LISTED, "", NULL, NULL, NULL, FALSE, FALSE, NULL, NULL, NULL },
    { "v1: a person's key", SCOPE_ERROR_DENIED, "another key", "2", KEY, NULL, TRUE, FALSE, NULL, "private-key", "another key" },
    { "v1: revoked", SCOPE_ERROR_DENIED, "", NULL, NULL, NULL, TRUE, FALSE, NULL, NULL, NULL },
    { "malformed", SCOPE_ERROR_INVALID, "", "1", "x", NULL, FALSE, FALSE, NULL, "private-key", "not a WireGuard key" },
    { "malformed, kept for all", SCOPE_ERROR_INVALID, "", NULL, "x", NULL, FALSE, FALSE, NULL, NULL, NULL },
    { "malformed, just given", SCOPE_ERROR_INVALID, "", NULL, NULL, "x", TRUE, TRUE, NULL, "token", "not a join token" },
    { "not the public key's", SCOPE_ERROR_INVALID, "public-key: no", "1", KEY, NULL, FALSE, FALSE, NULL, "private-key", "no" },
    { "another setting", SCOPE_ERROR_INVALID, "mtu: no", "1", KEY, NULL, FALSE, FALSE, NULL, NULL, NULL },
    { "nobody answers", SCOPE_ERROR_UNREACHABLE, "", "1", KEY, "x", TRUE, TRUE, NULL, NULL, NULL },
    { "certificate", SCOPE_ERROR_TLS, "", "1", KEY, "x", TRUE, TRUE, NULL, NULL, NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (table); i++)
    {
      g_autoptr (NMConnection) connection = connection_new (table[i].flags, table[i].key, table[i].token, NULL);
      g_autoptr (GError) error = g_error_new_literal (SCOPE_ERROR, table[i].code, table[i].error);
      ScopeQuestionCase that = { connection, error, table[i].root, table[i].v1, table[i].asked };
      g_autoptr (ScopeQuestion) question = scope_question_new (&that);

      g_test_message ("%s", table[i].what);
      g_assert_cmpstr (question ? question->hints[0] : NULL, ==, table[i].hint);
      if (!question)
        continue;
      g_assert_null (question->hints[1]);
      g_assert_cmpstr (question->root, ==, table[i].root);
      g_assert_nonnull (strstr (question->message, table[i].message));
    }
}

static void
test_answers (void)
{
  static const struct {
    const char *before, *answer;
    ScopeAnswer verdict;
  } table[] = {
    { NULL, "yes", SCOPE_ANSWER_GO },
    { NULL, "no", SCOPE_ANSWER_NO },
    { NULL, NULL, SCOPE_ANSWER_NO },
    { "yes", NULL, SCOPE_ANSWER_NO },   /* nobody has said it this time */
    { "no", "noyes", SCOPE_ANSWER_GO }, /* as nmcli has it */
    { "no", "no", SCOPE_ANSWER_NO },
    { NULL, OTHER_ROOT, SCOPE_ANSWER_AGAIN },
    { OTHER_ROOT, OTHER_ROOT "yes", SCOPE_ANSWER_GO },
  };
  g_autoptr (GError) error = g_error_new_literal (SCOPE_ERROR, SCOPE_ERROR_UNCONFIRMED, "");

  for (gsize i = 0; i < G_N_ELEMENTS (table); i++)
    {
      g_autoptr (NMConnection) before = connection_new (NULL, KEY, NULL, table[i].before);
      g_autoptr (NMConnection) now = connection_new (NULL, NULL, NULL, table[i].answer);
      ScopeQuestionCase that = { before, error, ROOT, TRUE, FALSE };
      g_autoptr (ScopeQuestion) question = scope_question_new (&that);

      g_test_message ("%s, then %s", table[i].before, table[i].answer);
      g_assert_cmpint (scope_question_take (question, now, before, before), ==, table[i].verdict);
      /* What it had is still there. */
      g_assert_cmpstr (nm_setting_vpn_get_secret (nm_connection_get_setting_vpn (now), SCOPE_SETTING_PRIVATE_KEY), ==, KEY);
    }
}

/* A new secret wins, also behind the one that was wrong. */
static void
test_new_secret (void)
{
  g_autoptr (NMConnection) before = connection_new (NULL, KEY, "used", NULL);
  g_autoptr (NMConnection) now = connection_new (NULL, NULL, "usedfresh", NULL);
  g_autoptr (GError) error = g_error_new_literal (SCOPE_ERROR, SCOPE_ERROR_INVITE, "(token-used)");
  ScopeQuestionCase that = { before, error, NULL, TRUE, FALSE };
  g_autoptr (ScopeQuestion) question = scope_question_new (&that);

  g_assert_cmpint (scope_question_take (question, now, before, before), ==, SCOPE_ANSWER_GO);
  g_assert_cmpstr (nm_setting_vpn_get_secret (nm_connection_get_setting_vpn (now), SCOPE_SETTING_TOKEN), ==, "fresh");
  g_assert_cmpstr (nm_setting_vpn_get_secret (nm_connection_get_setting_vpn (now), SCOPE_SETTING_PRIVATE_KEY), ==, KEY);
}

/* --- scope-last-error ---------------------------------------------------------------------- */

static void
test_kinds (void)
{
  for (int code = SCOPE_ERROR_FAILED; code <= SCOPE_ERROR_KILLED; code++)
    {
      g_autoptr (GError) error = g_error_new_literal (SCOPE_ERROR, code, "");
      g_assert_nonnull (scope_last_error_kind (error));
      g_assert_true (code == SCOPE_ERROR_FAILED || strcmp (scope_last_error_kind (error), "failed") != 0);
    }
}

/* --- scope-banner -------------------------------------------------------------------------- */

static void
test_banner (void)
{
  static const struct {
    const char *status, *banner;
  } table[] = {
    { "{\"network\":\"home\",\"addresses\":[\"10.77.0.1/32\",\"fd77::1/128\"],\"peers\":["
      "{\"online\":true,\"path\":\"direct\"},{\"online\":true,\"path\":\"relay\"},{\"online\":true,\"path\":\"none\"},{\"online\":false}]}",
      "Network home: this computer is 10.77.0.1, fd77::1. Others online: 3 of 4 (direct 1, by relays 1)." },
    { "{\"network\":\"home\",\"addresses\":[\"10.77.0.1/32\"],\"peers\":[{\"online\":true,\"path\":\"none\"}]}",
      "Network home: this computer is 10.77.0.1. Others online: 1 of 1." },
    { "{\"network\":\"old\",\"addresses\":[\"10.86.0.1/32\"],\"peers\":[]}", "Network old: this computer is 10.86.0.1." },
    { "{\"network\":7,\"addresses\":{},\"peers\":[1,null,[]]}", NULL },
    { "{}", NULL },
    { "", NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (table); i++)
    {
      g_autofree char *banner = scope_banner_new (table[i].status);
      g_assert_cmpstr (banner, ==, table[i].banner);
    }
}

int
main (int argc, char *argv[])
{
  g_setenv ("LC_ALL", "C.UTF-8", TRUE);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/question/confirm", test_confirm);
  g_test_add_func ("/question/what-is-asked", test_what_is_asked);
  g_test_add_func ("/question/answers", test_answers);
  g_test_add_func ("/question/new-secret", test_new_secret);
  g_test_add_func ("/question/kinds", test_kinds);
  g_test_add_func ("/question/banner", test_banner);
  return g_test_run ();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "service/scope-question.h"

#include "common/scope-confirm.h"
#include "common/scope-error.h"
#include "common/scope-settings.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* --- what there is to ask ------------------------------------------------------------------ */

static ScopeQuestion *
question_new (const char *secret, char *message)
{
  ScopeQuestion *question = g_new0 (ScopeQuestion, 1);

  question->message = message;
  question->hints = g_new0 (char *, 2);
  question->hints[0] = g_strdup (secret);
  return question;
}

static const char *
get_secret (NMConnection *connection, const char *name)
{
  NMSettingVpn *s_vpn = nm_connection_get_setting_vpn (connection);

  return s_vpn ? nm_setting_vpn_get_secret (s_vpn, name) : NULL;
}

static const char *
get_data (NMConnection *connection, const char *name)
{
  NMSettingVpn *s_vpn = nm_connection_get_setting_vpn (connection);
  const char *value = s_vpn ? nm_setting_vpn_get_data_item (s_vpn, name) : NULL;

  return value ? value : "?";
}

/* A person gives it: the profile does not keep it for all. */
static gboolean
is_personal (NMConnection *connection, const char *name)
{
  NMSettingSecretFlags flags = NM_SETTING_SECRET_FLAG_NONE;
  NMSettingVpn *s_vpn = nm_connection_get_setting_vpn (connection);

  if (s_vpn)
    nm_setting_get_secret_flags (NM_SETTING (s_vpn), name, &flags, NULL);
  return (flags & (NM_SETTING_SECRET_FLAG_AGENT_OWNED | NM_SETTING_SECRET_FLAG_NOT_SAVED)) != 0;
}

static ScopeQuestion *
ask_root (const ScopeQuestionCase *that)
{
  g_autofree char *grouped = scope_confirm_group (that->root);
  g_autofree char *key = g_strconcat (SCOPE_CONFIRM_PREFIX, that->root, NULL);
  ScopeQuestion *question = question_new (
      key,
      g_strdup_printf (_ ("This computer has not been in the network “%s” of %s before. The network’s root key is %.*s, in full:\n"
                          "%s\n"
                          "Is that what the network’s admin gave you? Answer “yes” only then."),
                       get_data (that->connection, SCOPE_SETTING_NETWORK), get_data (that->connection, SCOPE_SETTING_REGISTRY),
                       SCOPE_CONFIRM_SHORT_LEN, that->root, grouped));

  question->root = g_strdup (that->root);
  return question;
}

static char *
why_no_invite (const ScopeQuestionCase *that, const char *network)
{
  if (scope_err_invite (that->error))
    return scope_err_expired (that->error)
               ? g_strdup_printf (_ ("The invite to the network “%s” has expired. Enter another one (its token)."), network)
               : g_strdup_printf (_ ("The invite to the network “%s” was used already. Enter another one (its token)."), network);
  if (get_secret (that->connection, SCOPE_SETTING_TOKEN))
    return g_strdup_printf (_ ("The network “%s” does not know this invite. Enter another one (its token)."), network);
  return g_strdup_printf (_ ("The network “%s” does not know this computer yet. Enter an invite (its token), "
                             "or ask the network’s admin to let this computer in."), network);
}

static ScopeQuestion *
ask_key (const ScopeQuestionCase *that)
{
  return question_new (SCOPE_SETTING_PRIVATE_KEY,
                       g_strdup_printf (_ ("The private key is not the right one for the network “%s”: %s"),
                                        get_data (that->connection, SCOPE_SETTING_NETWORK), that->error->message));
}

/* A secret that cannot be one: the settings table says why. */
static ScopeQuestion *
ask_malformed (const ScopeQuestionCase *that)
{
  for (const ScopeSettingInfo *info = scope_setting_infos; info->name; info++)
    {
      const char *value = info->secret ? get_secret (that->connection, info->name) : NULL;
      g_autoptr (GError) why = NULL;

      if (value && (that->asked || is_personal (that->connection, info->name)) && !scope_setting_check (info, value, &why))
        return question_new (info->name, g_strdup (why->message));
    }
  return NULL;
}

ScopeQuestion *
scope_question_new (const ScopeQuestionCase *that)
{
  gboolean has_key = get_secret (that->connection, SCOPE_SETTING_PRIVATE_KEY) != NULL;
  gboolean own_key = has_key && is_personal (that->connection, SCOPE_SETTING_PRIVATE_KEY);

  if (scope_err_unconfirmed (that->error))
    return that->root ? ask_root (that) : NULL;
  if (scope_err_invite (that->error) || (scope_err_not_listed (that->error) && that->v1 && !own_key))
    return question_new (SCOPE_SETTING_TOKEN, why_no_invite (that, get_data (that->connection, SCOPE_SETTING_NETWORK)));
  if (own_key && (scope_err_not_listed (that->error) || scope_err_denied (that->error)))
    return ask_key (that);
  if (scope_err_invalid (that->error))
    {
      ScopeQuestion *question = ask_malformed (that);

      /* Of all else that may be wrong in a profile, only this is about a secret: it does not fit public-key. */
      if (!question && (own_key || (has_key && that->asked)) && g_str_has_prefix (that->error->message, SCOPE_SETTING_PUBLIC_KEY ":"))
        question = ask_key (that);
      return question;
    }
  return NULL;
}

void
scope_question_free (ScopeQuestion *question)
{
  g_free (question->message);
  g_strfreev (question->hints);
  g_free (question->root);
  g_free (question);
}

/* --- what was answered --------------------------------------------------------------------- */

static void
keep_secret (const char *name, const char *value, gpointer data)
{
  NMSettingVpn *s_vpn = data;

  if (!scope_confirm_root (name) && !nm_setting_vpn_get_secret (s_vpn, name))
    nm_setting_vpn_add_secret (s_vpn, name, value);
}

static void
drop_prefill (NMSettingVpn *s_vpn, NMSettingVpn *old, const char *name)
{
  const char *value = nm_setting_vpn_get_secret (s_vpn, name), *wrong = nm_setting_vpn_get_secret (old, name);

  if (value && wrong && *wrong && g_str_has_prefix (value, wrong) && value[strlen (wrong)])
    {
      g_autoptr (ScopeSecret) typed = g_strdup (value + strlen (wrong));

      nm_setting_vpn_add_secret (s_vpn, name, typed);
    }
}

ScopeAnswer
scope_question_take (ScopeQuestion *question, NMConnection *connection, NMConnection *before, NMConnection *given)
{
  NMSettingVpn *s_vpn = nm_connection_get_setting_vpn (connection), *old = nm_connection_get_setting_vpn (before);
  const char *answer;

  if (!s_vpn || !old || !nm_connection_get_setting_vpn (given))
    return SCOPE_ANSWER_NO;
  drop_prefill (s_vpn, nm_connection_get_setting_vpn (given), question->hints[0]);
  nm_setting_vpn_foreach_secret (old, keep_secret, s_vpn);
  if (!question->root)
    return SCOPE_ANSWER_GO;
  answer = nm_setting_vpn_get_secret (s_vpn, question->hints[0]);
  switch (scope_confirm_judge (answer ? answer : "", question->root))
    {
    case SCOPE_CONFIRM_YES:
      return SCOPE_ANSWER_GO;
    case SCOPE_CONFIRM_OTHER:
      {
        g_autofree char *grouped = scope_confirm_group (question->root);

        g_free (question->message);
        question->message = g_strdup_printf (_ ("That is another one. The root key of the network that answers is %s.\n"
                                                "If the admin gave you the one that you entered, somebody stands in between: cancel."),
                                             grouped);
        return SCOPE_ANSWER_AGAIN;
      }
    default:
      return SCOPE_ANSWER_NO;
    }
}

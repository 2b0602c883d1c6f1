/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scopectl kill: every peer takes the network down. */
#include "config.h"

#include "ctl/scopectl.h"

#include "common/scope-error.h"
#include "common/scope-fields.h"
#include "ctl/ctl-options.h"
#include "ctl/ctl-registry.h"
#include "ctl/ctl-root.h"
#include "ctl/ctl-terminal.h"

#include <glib/gi18n-lib.h>

#define VERB "kill"
#define REASON_MAX 256 /* characters */
#define TRIES 32       /* the step doubles each time: 2^32 counters above what we knew */

static gboolean
check (const char *network, const char *reason, GError **error)
{
  if (!ctl_check_network (network, error))
    return FALSE;
  if (!reason || (g_utf8_validate (reason, -1, NULL) && g_utf8_strlen (reason, -1) <= REASON_MAX))
    return TRUE;
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, _ ("--reason: longer than %d characters, or not UTF-8"), REASON_MAX);
  return FALSE;
}

static gboolean
confirm (const char *network, GError **error)
{
  g_autofree char *question =
      g_strdup_printf (_ ("Every peer will take the network “%s” down, until somebody starts it there again.\n"
                          "Type the network's name to go on:"), network);
  g_autofree char *answer = NULL;

  if (!ctl_terminal_there ())
    {
      g_set_error_literal (error, SCOPE_ERROR, SCOPE_ERROR_FAILED,
                           _ ("there is no terminal to confirm on; --yes goes on without"));
      return FALSE;
    }
  if (!(answer = ctl_terminal_ask (question, FALSE, error)))
    return FALSE;
  if (g_str_equal (answer, network))
    return TRUE;
  g_set_error_literal (error, SCOPE_ERROR, SCOPE_ERROR_FAILED, _ ("that was not the network's name; nothing was done"));
  return FALSE;
}

/* One attempt. The counter is on disk before the registry may know it. */
static gboolean
post (const CtlRoot *root, CtlRegistry *registry, CtlState *state, const char *reason, guint64 counter, gboolean *stale,
      GError **error)
{
  const ScopeKill kill = {
    .network = root->file->network,
    .counter = counter,
    .issued = g_get_real_time () / G_USEC_PER_SEC,
    .reason = (char *) reason,
  };
  g_autofree char *payload = scope_kill_format (&kill);
  g_autofree char *envelope = scope_jws_sign (root->identity, SCOPE_TYP_KILL, payload, error);
  g_autoptr (GBytes) answer = NULL;

  *stale = FALSE;
  state->kill = counter;
  if (!envelope || !ctl_state_save (root, state, error))
    return FALSE;
  answer = ctl_registry_post (registry, envelope, stale, error);
  return answer != NULL;
}

static gboolean
run (const char *network, const CtlRootOptions *options, const char *reason, gboolean yes, GError **error)
{
  g_autoptr (CtlRoot) root = NULL;
  g_autoptr (CtlRegistry) registry = NULL;
  g_autoptr (CtlState) state = NULL;

  if (!(root = ctl_root_load (network, options, error)) ||
      !(registry = ctl_registry_new (root->registry, network, options->ca, error)) ||
      !(state = ctl_state_load (root, error)) || (!yes && !confirm (network, error)) ||
      !ctl_root_unlock (root, options, error))
    return FALSE;
  for (guint i = 0;; i++)
    {
      guint64 counter = state->kill + ((guint64) 1 << i);
      g_autoptr (GError) why = NULL;
      gboolean stale;

      /* Somebody killed from elsewhere, or our state was lost: any higher counter is as good. */
      if (counter <= SCOPE_FIELDS_INTEGER_MAX && post (root, registry, state, reason, counter, &stale, &why))
        {
          g_autofree char *number = g_strdup_printf ("%" G_GUINT64_FORMAT, counter);
          g_print (_ ("The network “%s” was told to go down (number %s).\n"), network, number);
          return TRUE;
        }
      if (!why || !stale || i == TRIES)
        {
          if (why)
            g_propagate_error (error, g_steal_pointer (&why));
          else
            g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_FAILED, _ ("%s.state: the counter has come to its end"), root->path);
          return FALSE;
        }
    }
}

int
scopectl_kill (int argc, char **argv)
{
  CtlRootOptions common = { NULL };
  g_autofree char *reason = NULL;
  gboolean yes = FALSE;
  const GOptionEntry entries[] = {
    CTL_ROOT_ENTRIES (common),
    { "reason", 0, 0, G_OPTION_ARG_STRING, &reason, N_ ("Why; the peers log it"), N_ ("TEXT") },
    { "yes", 0, 0, G_OPTION_ARG_NONE, &yes, N_ ("Do not ask"), NULL },
    { NULL },
  };
  g_auto (GStrv) rest = NULL;
  g_autoptr (GError) error = NULL;
  int status;

  if (!ctl_options_parse (VERB, N_ ("NETWORK"),
                          N_ ("Makes every peer take the network down. It stays down on each until somebody there starts the\n"
                              "connection again."),
                          entries, argc, argv, 1, 1, &rest))
    status = CTL_USAGE;
  else if (!check (rest[0], reason, &error))
    status = ctl_usage (VERB, error->message);
  else
    status = run (rest[0], &common, reason, yes, &error) ? CTL_OK : ctl_failure (VERB, error);
  ctl_root_options_clear (&common);
  return status;
}

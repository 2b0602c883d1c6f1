/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scopectl invite: a file, and a picture, that let one new member in. */
#include "config.h"

#include "ctl/scopectl.h"

#include "common/scope-error.h"
#include "common/scope-fields.h"
#include "common/scope-invite-file.h"
#include "common/scope-key.h"
#include "common/scope-settings.h"
#include "ctl/ctl-file.h"
#include "ctl/ctl-options.h"
#include "ctl/ctl-qr.h"
#include "ctl/ctl-registry.h"
#include "ctl/ctl-root.h"
#include "ctl/ctl-terminal.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define VERB "invite"
#define HOUR 3600
#define MAX_HOURS (365 * 24)
#define SUFFIX ".scope"

typedef struct {
  CtlRootOptions common;
  char *name;
  char *role_text;
  char *pq;
  char *output;
  int hours;
  gboolean qr;
  gboolean json;

  const char *network;
  ScopeRole role;
} Invite;

static void
invite_clear (Invite *i)
{
  ctl_root_options_clear (&i->common);
  g_free (i->name);
  g_free (i->role_text);
  g_free (i->pq);
  g_free (i->output);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Invite, invite_clear)

/* "home-laptop.scope"; a name may have anything in it. */
static char *
default_path (const Invite *i)
{
  char *path = i->name ? g_strconcat (i->network, "-", i->name, SUFFIX, NULL) : g_strconcat (i->network, SUFFIX, NULL);

  for (char *p = path; *p; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);
      if (!g_unichar_isalnum (c) && !(c < 128 && strchr ("_-+=@.", (int) c)))
        memset (p, '_', g_utf8_next_char (p) - p);
    }
  /* A leading dot hides the file, a leading dash makes it an option. */
  if (*path == '.' || *path == '-')
    *path = '_';
  return path;
}

static gboolean
check (Invite *i, GError **error)
{
  ScopePq pq;

  if (!ctl_check_network (i->network, error) || !ctl_check_name (i->name, error) ||
      !ctl_check_number ("--hours", i->hours, 1, MAX_HOURS, error) ||
      (i->role_text && !ctl_parse_role (i->role_text, &i->role, error)))
    return FALSE;
  if (i->pq && !scope_pq_parse (&pq, i->pq))
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, _ ("--pq: “%.40s” is not required, preferred or off"), i->pq);
      return FALSE;
    }
  if (!i->output)
    i->output = default_path (i);
  return TRUE;
}

/* The registry serves an invite only if it may let such a peer in: better told now than to the new member. */
static gboolean
check_delegation (const CtlNetwork *network, const CtlRoot *root, ScopeRole role, gint64 now, GError **error)
{
  if (ctl_network_delegates (network, role, now))
    return TRUE;
  for (guint i = 0; i < network->problems->len; i++)
    g_printerr (_ ("scopectl %s: the registry's %s\n"), VERB, (char *) network->problems->pdata[i]);
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_DENIED,
               _ ("--role: the registry %s has no valid delegation of the root key for “%s”, so it could not let the new "
                  "member in; “scopectl grant” can"), root->registry, scope_role_to_string (role));
  return FALSE;
}

static char *
sign (const Invite *i, const CtlRoot *root, const char *token, gint64 now, gint64 expires, GError **error)
{
  ScopeInvite invite = {
    .network = (char *) i->network,
    .role = i->role,
    .name = i->name,
    .issued = now,
    .expires = expires,
  };
  g_autofree char *payload = NULL;

  scope_token_hash (token, invite.token);
  payload = scope_invite_format (&invite);
  return scope_jws_sign (root->identity, SCOPE_TYP_INVITE, payload, error);
}

static gboolean
print_qr (const char *text, GError **error)
{
  guint have = ctl_terminal_columns (), need;
  g_autoptr (ScopeSecret) drawn = ctl_qr_draw (text, have > 0, &need, error);

  if (!drawn)
    return FALSE;
  if (have && have < need)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_FAILED,
                   _ ("--qr: the terminal has %u columns, the QR code needs %u"), have, need);
      return FALSE;
    }
  g_print ("%s\n", drawn);
  return TRUE;
}

static void
print_result (const Invite *i, gint64 expires)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_local (expires);
  g_autofree char *until = g_date_time_format (time, "%Y-%m-%d %H:%M %Z");

  if (i->json)
    {
      g_autoptr (GString) out = g_string_new ("{");

      scope_fields_put_string (out, "network", i->network);
      scope_fields_put_string (out, "file", i->output);
      scope_fields_put_integer (out, "expires", expires);
      g_print ("%s}\n", out->str);
      return;
    }
  g_print (_ ("%s lets one machine into “%s”, until %s. It is a secret; on the new machine:\n\n"
              "  nmcli connection import type scope file %s\n  nmcli connection up %s\n"),
           i->output, i->network, until, i->output, i->network);
}

static gboolean
run (Invite *i, GError **error)
{
  gint64 now = g_get_real_time () / G_USEC_PER_SEC, expires = now + (gint64) i->hours * HOUR;
  g_autoptr (CtlRoot) root = NULL;
  g_autoptr (CtlRegistry) registry = NULL;
  g_autoptr (CtlNetwork) network = NULL;
  g_autoptr (ScopeSecret) token = NULL, text = NULL;
  g_autofree char *envelope = NULL;
  g_autoptr (GBytes) answer = NULL;

  if (!ctl_file_is_free (i->output, error) || !(root = ctl_root_load (i->network, &i->common, error)) ||
      !(registry = ctl_registry_new (root->registry, i->network, i->common.ca, error)) ||
      !(network = ctl_registry_fetch (registry, root->file->identity, now, error)) ||
      !check_delegation (network, root, i->role, now, error) || !ctl_root_unlock (root, &i->common, error))
    return FALSE;
  if (!(token = scope_token_new ()))
    {
      g_set_error_literal (error, SCOPE_ERROR, SCOPE_ERROR_FAILED, _ ("the system gives no random numbers"));
      return FALSE;
    }
  if (!(envelope = sign (i, root, token, now, expires, error)) ||
      !(answer = ctl_registry_post (registry, envelope, NULL, error)))
    return FALSE;

  const ScopeInviteFile file = {
    .registry = root->registry,
    .network = (char *) i->network,
    .root = (char *) scope_identity_public_fingerprint (root->file->identity),
    .token = token,
    .expires = expires,
    .name = i->name,
    .pq = i->pq,
  };
  text = scope_invite_file_format (&file);
  if (!ctl_file_create (i->output, text, error))
    return FALSE;
  print_result (i, expires);
  return !i->qr || print_qr (text, error);
}

int
scopectl_invite (int argc, char **argv)
{
  g_auto (Invite) i = { .hours = 24 };
  const GOptionEntry entries[] = {
    CTL_ROOT_ENTRIES (i.common),
    { "name", 0, 0, G_OPTION_ARG_STRING, &i.name, N_ ("What people will call the new member"), N_ ("NAME") },
    { "role", 0, 0, G_OPTION_ARG_STRING, &i.role_text, N_ ("edge, or what else the registry may let in [edge]"), N_ ("ROLE") },
    { "hours", 0, 0, G_OPTION_ARG_INT, &i.hours, N_ ("How long the invite is good [24]"), N_ ("N") },
    { "pq", 0, 0, G_OPTION_ARG_STRING, &i.pq, N_ ("The new member's setting pq [required]"), N_ ("WORD") },
    { "output", 0, 0, G_OPTION_ARG_FILENAME, &i.output, N_ ("Where to write it [NETWORK-NAME.scope]"), N_ ("FILE") },
    { "qr", 0, 0, G_OPTION_ARG_NONE, &i.qr, N_ ("Draw it as a QR code, too"), NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &i.json, N_ ("Print JSON"), NULL },
    { NULL },
  };
  g_auto (GStrv) rest = NULL;
  g_autoptr (GError) error = NULL;

  if (!ctl_options_parse (VERB, N_ ("NETWORK"),
                          N_ ("Makes a file with a one-time token: whoever imports it and brings the connection up is in."),
                          entries, argc, argv, 1, 1, &rest))
    return CTL_USAGE;
  i.network = rest[0];
  if (!check (&i, &error))
    return ctl_usage (VERB, error->message);
  if (i.json && i.qr)
    return ctl_usage (VERB, _ ("--qr: not together with --json"));
  return run (&i, &error) ? CTL_OK : ctl_failure (VERB, error);
}

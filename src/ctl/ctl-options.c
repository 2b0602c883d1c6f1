/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "ctl/ctl-options.h"

#include "common/scope-error.h"
#include "common/scope-invite-file.h"
#include "common/scope-settings.h"

#include <glib/gi18n-lib.h>
#include <string.h>

static char *
translate (const char *text, gpointer data)
{
  return (char *) (*text ? _ (text) : text);
}

gboolean
ctl_options_parse (const char *verb, const char *arguments, const char *summary, const GOptionEntry *entries, int argc,
                   char **argv, guint min, guint max, char ***rest)
{
  g_autoptr (GOptionContext) context = g_option_context_new (*arguments ? _ (arguments) : NULL);
  g_auto (GStrv) words = NULL;
  g_autofree char *program = g_strconcat ("scopectl ", verb, NULL);
  g_autoptr (GError) why = NULL;
  GOptionEntry remaining[] = {
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &words, NULL, NULL },
    { NULL },
  };
  guint n;

  g_option_context_set_translate_func (context, (GTranslateFunc) translate, NULL, NULL);
  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
  g_option_context_add_main_entries (context, remaining, GETTEXT_PACKAGE);
  g_option_context_set_summary (context, _ (summary));
  g_set_prgname (program); /* for --help */
  if (!g_option_context_parse (context, &argc, &argv, &why))
    {
      ctl_usage (verb, why->message);
      return FALSE;
    }
  n = words ? g_strv_length (words) : 0;
  if (n < min)
    {
      g_autofree char *text = g_strdup_printf (_ ("too few arguments, expected: %s"), _ (arguments));
      ctl_usage (verb, text);
      return FALSE;
    }
  if (n > max)
    {
      g_autofree char *word = ctl_printable (words[max]);
      g_autofree char *text = g_strdup_printf (_ ("“%s” is one argument too many"), word);
      ctl_usage (verb, text);
      return FALSE;
    }
  *rest = words ? g_steal_pointer (&words) : g_new0 (char *, 1);
  return TRUE;
}

int
ctl_usage (const char *verb, const char *why)
{
  g_printerr ("scopectl %s: %s\n", verb, why);
  g_printerr (_ ("“scopectl %s --help” tells more\n"), verb);
  return CTL_USAGE;
}

int
ctl_failure (const char *verb, const GError *error)
{
  g_autofree char *message = ctl_printable (error->message);

  g_printerr ("scopectl %s: %s\n", verb, message);
  return CTL_FAILURE;
}

static gboolean
check_setting (const char *setting, const char *argument, const char *value, GError **error)
{
  g_autoptr (GError) why = NULL;
  g_autofree char *prefix = g_strconcat (setting, ": ", NULL);

  if (scope_setting_check (scope_setting_find (setting), value, &why))
    return TRUE;
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, "%s: %s", argument,
               g_str_has_prefix (why->message, prefix) ? why->message + strlen (prefix) : why->message);
  return FALSE;
}

gboolean
ctl_check_network (const char *name, GError **error)
{
  return check_setting (SCOPE_SETTING_NETWORK, "NETWORK", name, error);
}

gboolean
ctl_check_registry (const char *url, GError **error)
{
  return check_setting (SCOPE_SETTING_REGISTRY, "--registry", url, error);
}

gboolean
ctl_check_name (const char *name, GError **error)
{
  if (!name || scope_member_name_valid (name))
    return TRUE;
  g_set_error_literal (error, SCOPE_ERROR, SCOPE_ERROR_INVALID,
                       _ ("--name: expected 1 to 64 characters, none of them a control character"));
  return FALSE;
}

gboolean
ctl_check_number (const char *option, int value, int min, int max, GError **error)
{
  if (value >= min && value <= max)
    return TRUE;
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, _ ("%s: %d is not a number from %d to %d"), option, value, min,
               max);
  return FALSE;
}

gboolean
ctl_parse_role (const char *text, ScopeRole *role, GError **error)
{
  if (scope_role_parse (role, text))
    return TRUE;
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, _ ("--role: “%.40s” is not edge, relay or master"), text);
  return FALSE;
}

static gboolean
check_host_bits (const char *option, const ScopePrefix *prefix, GError **error)
{
  ScopePrefix masked = *prefix;
  char given[SCOPE_PREFIX_STRLEN], network[SCOPE_PREFIX_STRLEN];
  g_autofree char *address = NULL;

  scope_prefix_mask (&masked);
  if (scope_prefix_equal (prefix, &masked))
    return TRUE;
  address = scope_prefix_address (prefix);
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID,
               _ ("%s: %s is an address within a network; the network is %s, the address alone %s/%d"), option,
               scope_prefix_format (prefix, given), scope_prefix_format (&masked, network), address,
               prefix->family == AF_INET ? 32 : 128);
  return FALSE;
}

static gboolean
contains (const GArray *prefixes, const ScopePrefix *prefix)
{
  for (guint i = 0; i < prefixes->len; i++)
    if (scope_prefix_equal (&g_array_index (prefixes, ScopePrefix, i), prefix))
      return TRUE;
  return FALSE;
}

GArray *
ctl_parse_prefixes (const char *option, char **texts, guint max, GError **error)
{
  g_autoptr (GArray) all = g_array_new (FALSE, FALSE, sizeof (ScopePrefix));

  for (char **text = texts; text && *text; text++)
    {
      g_autoptr (GError) why = NULL;
      g_autoptr (GArray) some = scope_prefix_parse_list (*text, max, &why);

      if (!some)
        {
          g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, "%s: %s", option, why->message);
          return NULL;
        }
      for (guint i = 0; i < some->len; i++)
        {
          const ScopePrefix *prefix = &g_array_index (some, ScopePrefix, i);

          if (!check_host_bits (option, prefix, error))
            return NULL;
          if (!contains (all, prefix))
            g_array_append_vals (all, prefix, 1);
        }
    }
  if (all->len >= 1 && all->len <= max)
    return g_steal_pointer (&all);
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, _ ("%s: expected 1 to %u prefixes such as 10.77.0.0/24"), option,
               max);
  return NULL;
}

char *
ctl_printable (const char *text)
{
  char *out = g_utf8_make_valid (text, -1);

  for (char *p = out; *p; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);
      /* Control characters, and those that turn the direction of writing around */
      if (g_unichar_iscntrl (c) || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069))
        memset (p, ' ', g_utf8_next_char (p) - p);
    }
  return out;
}

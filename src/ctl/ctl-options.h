/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ctl-options: the command line of a verb, exit codes, and how each of them says what is wrong. */
#pragma once

#include "common/scope-prefix.h"
#include "crypto/scope-authority.h"

#include <glib.h>

typedef enum {
  CTL_OK = 0,
  CTL_FAILURE = 1,
  CTL_USAGE = 2,
} CtlExit;

/**
 * ctl_options_parse:
 * @arguments: (translatable): what stands behind the verb in --help
 * @summary: (translatable): what the verb does, one or more paragraphs
 * @min, @max: how many arguments that are no options it takes
 * @rest: (out): them, also when there are none; to be freed with g_strfreev()
 *
 * Returns: %FALSE when the command line is wrong; that has been told
 */
gboolean ctl_options_parse (const char *verb, const char *arguments, const char *summary, const GOptionEntry *entries,
                            int argc, char **argv, guint min, guint max, char ***rest);

/* Tell the person; @why begins with the argument's name. Return CTL_USAGE and CTL_FAILURE. */
int ctl_usage (const char *verb, const char *why);
int ctl_failure (const char *verb, const GError *error);

/* Checks of arguments: SCOPE_ERROR_INVALID, naming @option. */
gboolean ctl_check_network (const char *name, GError **error);
gboolean ctl_check_registry (const char *url, GError **error);
gboolean ctl_check_name (const char *name, GError **error);
gboolean ctl_check_number (const char *option, int value, int min, int max, GError **error);
gboolean ctl_parse_role (const char *text, ScopeRole *role, GError **error);

/**
 * ctl_parse_prefixes:
 * @texts: (nullable): one or more in each
 *
 * Returns: (transfer full) (element-type ScopePrefix): at least one, none with host bits
 */
GArray *ctl_parse_prefixes (const char *option, char **texts, guint max, GError **error);

/* Text that came from elsewhere, fit for a terminal: newly allocated. */
char *ctl_printable (const char *text);

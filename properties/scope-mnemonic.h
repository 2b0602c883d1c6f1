/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scope-mnemonic: keys for labels that come from a table, in whatever language: no translator needs to place them. */
#pragma once

#include <glib.h>

/**
 * scope_mnemonic_reserve:
 * @used: lower-case letters that are taken
 * @text: a label that has its underline already
 */
void scope_mnemonic_reserve (GString *used, const char *text);

/**
 * scope_mnemonic_add:
 * @used: gets the letter that was taken
 * @label: plain text
 *
 * The first letter of a word that is free, else any letter that is; for scripts without upper and lower case a Latin letter
 * in brackets behind it, as is the custom there. Without a free one there is no mnemonic.
 *
 * Returns: (transfer full): the label for a widget with “use-underline”
 */
char *scope_mnemonic_add (GString *used, const char *label);

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-setting-limits: what values of each type there are: numbers, lengths, words. The checks of scope-settings
 * hold to it, nm-settings-scope(5) prints it.
 */
#pragma once

#include "common/scope-settings.h"

#define SCOPE_NETWORK_NAME_MAX 64
#define SCOPE_SETTING_MEMBER_MAX 64 /* bytes: SCOPE_GRANT_MAX_NAME */
#define SCOPE_MAX_IPS 16
#define SCOPE_MAX_DOMAINS 32

/**
 * ScopeSettingLimits:
 * @min, @max: of a number; or how many of @unit; both 0 where nothing is counted
 * @unit: (nullable): what is counted, %NULL for a number
 * @words: (nullable): the words that there are, in the order of the type's enumeration; nothing else then
 */
typedef struct {
  guint min, max;
  const char *unit;
  const char *const *words;
} ScopeSettingLimits;

const ScopeSettingLimits *scope_setting_limits (ScopeSettingType type);

/* Whether @value is one of the type's words; @index: (out) (optional): which. */
gboolean scope_setting_word (ScopeSettingType type, const char *value, guint *index);

/* Returns: (transfer full): in English, "1 to 16 URLs", "number from 1 to 65535", "yes or no" */
char *scope_setting_limits_text (ScopeSettingType type);

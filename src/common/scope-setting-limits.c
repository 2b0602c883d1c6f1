/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "common/scope-setting-limits.h"

#define WORDS(...) .words = (const char *const[]){ __VA_ARGS__, NULL }

static const ScopeSettingLimits all[] = {
  [SCOPE_TYPE_URLS] = { 1, SCOPE_MAX_REGISTRIES, "URLs" },
  [SCOPE_TYPE_NETWORK] = { 1, SCOPE_NETWORK_NAME_MAX, "characters" },
  [SCOPE_TYPE_KEY] = { 44, 44, "characters of base64" },
  [SCOPE_TYPE_PORT] = { 1, 65535 },
  [SCOPE_TYPE_ADDRESSES] = { 1, SCOPE_MAX_PREFIXES, "addresses" },
  [SCOPE_TYPE_IFNAME] = { 1, SCOPE_IFNAME_MAX, "characters" },
  [SCOPE_TYPE_SECONDS] = { 0, 65535 },
  [SCOPE_TYPE_MTU] = { 576, 65535 },
  [SCOPE_TYPE_IPS] = { 1, SCOPE_MAX_IPS, "addresses" },
  [SCOPE_TYPE_DOMAINS] = { 1, SCOPE_MAX_DOMAINS, "domains" },
  [SCOPE_TYPE_PREFIXES] = { 1, SCOPE_MAX_PREFIXES, "prefixes" },
  [SCOPE_TYPE_MEMBER] = { 1, SCOPE_SETTING_MEMBER_MAX, "bytes" },
  [SCOPE_TYPE_YES_NO] = { WORDS ("yes", "no") },
  [SCOPE_TYPE_TUNNEL] = { WORDS ("auto", "kernel", "userspace") },
  [SCOPE_TYPE_USE] = { WORDS ("auto", "off", "always") },
  [SCOPE_TYPE_FILE] = { 0, 0, "absolute path" },
  [SCOPE_TYPE_ROOT] = { 52, 52, "characters" },
  [SCOPE_TYPE_PQ] = { WORDS ("required", "preferred", "off") },
  [SCOPE_TYPE_MODE] = { WORDS ("full", "keys-only") },
  [SCOPE_TYPE_WIREGUARD] = { 0, 0, "UUID, or interface name" },
  [SCOPE_TYPE_ENDPOINTS] = { 1, SCOPE_MAX_ENDPOINTS, "endpoints" },
  [SCOPE_TYPE_TOKEN] = { 43, 43, "characters of base64url" },
  [SCOPE_TYPE_IDENTITY] = { 119, 119, "characters of base64url" },
};

const ScopeSettingLimits *
scope_setting_limits (ScopeSettingType type)
{
  g_return_val_if_fail (type < G_N_ELEMENTS (all), NULL);
  return &all[type];
}

gboolean
scope_setting_word (ScopeSettingType type, const char *value, guint *index)
{
  const char *const *words = scope_setting_limits (type)->words;

  for (guint i = 0; words[i]; i++)
    if (g_str_equal (words[i], value))
      {
        if (index)
          *index = i;
        return TRUE;
      }
  return FALSE;
}

static char *
words_text (const char *const *words)
{
  GString *out = g_string_new (words[0]);

  for (guint i = 1; words[i]; i++)
    g_string_append_printf (out, "%s%s", words[i + 1] ? ", " : " or ", words[i]);
  return g_string_free (out, FALSE);
}

char *
scope_setting_limits_text (ScopeSettingType type)
{
  const ScopeSettingLimits *limits = scope_setting_limits (type);

  if (limits->words)
    return words_text (limits->words);
  if (!limits->unit)
    return g_strdup_printf ("number from %u to %u", limits->min, limits->max);
  if (limits->max == 0)
    return g_strdup (limits->unit);
  if (limits->min == limits->max)
    return g_strdup_printf ("%u %s", limits->max, limits->unit);
  return g_strdup_printf ("%u to %u %s", limits->min, limits->max, limits->unit);
}

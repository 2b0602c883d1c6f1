/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "registry/registry-path.h"

#include <string.h>

static const struct {
  const char *name;
  RegistryPathKind kind;
  gboolean arguments;
} verbs[] = {
  { "get", REGISTRY_PATH_GET, TRUE },
  { "update", REGISTRY_PATH_UPDATE, TRUE },
  { "detail", REGISTRY_PATH_DETAIL, TRUE },
  { "networks", REGISTRY_PATH_NETWORKS, FALSE },
  { "messages", REGISTRY_PATH_MESSAGES, FALSE },
  { "v1", REGISTRY_PATH_V1, TRUE },
};

void
registry_path_clear (RegistryPath *path)
{
  g_clear_pointer (&path->network, g_free);
  g_clear_pointer (&path->key, g_free);
  g_clear_pointer (&path->rest, g_free);
  path->kind = REGISTRY_PATH_UNKNOWN;
}

static const char *
skip_slashes (const char *p)
{
  while (*p == '/')
    p++;
  return p;
}

/* What is not properly encoded stays as it is: it will not be found. */
static char *
decode (const char *text, gsize len)
{
  char *decoded = g_uri_unescape_segment (text, text + len, NULL);

  return decoded ? decoded : g_strndup (text, len);
}

void
registry_path_parse (RegistryPath *path, const char *raw, const char *prefix)
{
  gsize prefix_len = strlen (prefix), n;
  const char *p = raw;

  memset (path, 0, sizeof *path);
  if (strlen (raw) > REGISTRY_PATH_MAX)
    return;
  if (prefix_len && strncmp (p, prefix, prefix_len) == 0 && p[prefix_len] == '/')
    p += prefix_len;

  p = skip_slashes (p);
  n = strcspn (p, "/");
  for (guint i = 0; i < G_N_ELEMENTS (verbs); i++)
    if (strlen (verbs[i].name) == n && strncmp (p, verbs[i].name, n) == 0)
      {
        if (!verbs[i].arguments && *skip_slashes (p + n))
          return;
        path->kind = verbs[i].kind;
        if (!verbs[i].arguments)
          return;
      }
  if (path->kind == REGISTRY_PATH_UNKNOWN)
    return;

  /* One slash separates; a second one may be the first character of a key. */
  p += n;
  if (*p == '/')
    p++;
  path->rest = decode (p, strlen (p));
  p = skip_slashes (p);
  n = strcspn (p, "/");
  path->network = decode (p, n);
  p += n;
  if (*p == '/')
    p++;
  path->key = decode (p, strlen (p));
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "registry/registry-observed.h"

#include "common/scope-endpoint.h"

typedef struct {
  ScopeKey reporter;
  gboolean trusted;
  gint64 at;
  ScopeSockaddr endpoint;
} Report;

struct _RegistryReports {
  GArray *all; /* Report, the best one first */
};

RegistryReports *
registry_reports_new (void)
{
  RegistryReports *reports = g_new (RegistryReports, 1);

  reports->all = g_array_new (FALSE, FALSE, sizeof (Report));
  return reports;
}

void
registry_reports_free (RegistryReports *reports)
{
  g_array_unref (reports->all);
  g_free (reports);
}

static gboolean
is_better (const Report *a, const Report *b)
{
  return a->trusted != b->trusted ? a->trusted : a->at > b->at;
}

void
registry_reports_add (RegistryReports *reports, const ScopeKey *reporter, gboolean trusted, const char *endpoint,
                      gint64 now)
{
  Report report = { .reporter = *reporter, .trusted = trusted, .at = now };
  guint i;

  if (!scope_sockaddr_parse (&report.endpoint, endpoint))
    return;
  for (i = 0; i < reports->all->len; i++)
    if (scope_key_equal (&g_array_index (reports->all, Report, i).reporter, reporter))
      {
        g_array_remove_index (reports->all, i);
        break;
      }
  for (i = 0; i < reports->all->len && !is_better (&report, &g_array_index (reports->all, Report, i)); i++)
    ;
  g_array_insert_val (reports->all, i, report);
  if (reports->all->len > REGISTRY_REPORTS_MAX)
    g_array_set_size (reports->all, REGISTRY_REPORTS_MAX);
}

static void
add_once (GPtrArray *list, char *text)
{
  g_autofree char *endpoint = text;

  if (!endpoint || list->len == REGISTRY_OBSERVED_MAX ||
      g_ptr_array_find_with_equal_func (list, endpoint, g_str_equal, NULL))
    return;
  g_ptr_array_add (list, g_steal_pointer (&endpoint));
}

char **
registry_reports_list (const RegistryReports *reports, const char *last)
{
  GPtrArray *list = g_ptr_array_new ();

  for (guint i = 0; reports && i < reports->all->len; i++)
    add_once (list, scope_sockaddr_format (&g_array_index (reports->all, Report, i).endpoint));
  add_once (list, g_strdup (last));
  g_ptr_array_add (list, NULL);
  return (char **) g_ptr_array_free (list, FALSE);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-patience.h"

#include "common/scope-error.h"

#define PATIENCE_SECONDS 10

struct _ScopePatience {
  ScopePatienceOver over;
  gpointer data;
  guint over_id;    /* 0 when it is over */
  gboolean refused; /* the last one said “not listed” */
  GError *last;
};

static gboolean
on_over (gpointer data)
{
  ScopePatience *self = data;

  self->over_id = 0;
  if (self->last)
    {
      g_autoptr (GError) error = g_steal_pointer (&self->last);
      self->over (error, self->data);
    }
  return G_SOURCE_REMOVE;
}

ScopePatience *
scope_patience_new (ScopePatienceOver over, gpointer data)
{
  ScopePatience *self = g_new0 (ScopePatience, 1);

  self->over = over;
  self->data = data;
  self->over_id = g_timeout_add_seconds (PATIENCE_SECONDS, on_over, self);
  return self;
}

void
scope_patience_free (ScopePatience *self)
{
  g_clear_handle_id (&self->over_id, g_source_remove);
  g_clear_error (&self->last);
  g_free (self);
}

gboolean
scope_patience_bears (ScopePatience *self, const GError *error)
{
  if (!(scope_err_unreachable (error) && self->over_id) && !(scope_err_not_listed (error) && !self->refused))
    return FALSE;
  self->refused = scope_err_not_listed (error);
  g_clear_error (&self->last);
  self->last = g_error_copy (error);
  return TRUE;
}

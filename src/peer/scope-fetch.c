/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer/scope-fetch.h"

#include "common/scope-error.h"
#include "peer/scope-timeout.h"

#define CHUNK (64 * 1024)

/* Counted: what was cancelled comes back after the caller has let go. */
struct _ScopeFetch {
  SoupSession *soup;
  ScopeApi api;        /* its texts only as long as there is somebody to call */
  ScopeApiKeyForm form;
  guint tried;         /* forms before this one */
  ScopeFetchDone done; /* NULL when it is over */
  gpointer data;
  GDestroyNotify let_go;
  GCancellable *cancellable;
  SoupMessage *message;
  GByteArray *body;
  guint limit_ms;
  guint limit_id;
  gboolean timed_out;
};

static void
clear (gpointer data)
{
  ScopeFetch *self = data;

  g_object_unref (self->soup);
  g_object_unref (self->cancellable);
  g_clear_object (&self->message);
  g_byte_array_unref (self->body);
  self->let_go (self->data);
}

static void
release (ScopeFetch *self)
{
  g_rc_box_release_full (self, clear);
}

/* A reference that an operation has. */
typedef ScopeFetch Held;
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Held, release)

/* The one place where it ends. */
static void
finish (ScopeFetch *self, ScopeRoster *roster, GError *error)
{
  ScopeFetchDone done = g_steal_pointer (&self->done);

  g_clear_handle_id (&self->limit_id, g_source_remove);
  done (self, roster, error, self->data);
}

static void ask (ScopeFetch *self);

static void
take_answer (ScopeFetch *self)
{
  guint skipped = 0, status = soup_message_get_status (self->message);
  GError *error = NULL;
  ScopeRoster *roster;

  if (status == SOUP_STATUS_NOT_FOUND && self->tried + 1 < SCOPE_API_N_KEY_FORMS)
    {
      self->form = (self->form + 1) % SCOPE_API_N_KEY_FORMS;
      self->tried++;
      ask (self);
      return;
    }
  if (status != SOUP_STATUS_OK)
    {
      gboolean json = self->body->len > 0 && self->body->data[0] == '{';
      finish (self, NULL, scope_api_status_error (&self->api, status, json));
      return;
    }
  roster = scope_roster_parse ((const char *) self->body->data, self->body->len, &skipped, &error);
  if (!roster)
    g_prefix_error (&error, "registry %s: ", self->api.registry);
  else if (skipped)
    g_warning ("registry %s: %u entries of network %s make no sense and are left out", self->api.registry, skipped,
               self->api.network);
  finish (self, roster, error);
}

static void
on_body (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Held) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = g_input_stream_read_bytes_finish (G_INPUT_STREAM (source), result, &error);

  if (!self->done)
    return;
  if (!bytes)
    {
      finish (self, NULL, scope_api_error (&self->api, self->message, error));
      return;
    }
  if (g_bytes_get_size (bytes) == 0)
    {
      take_answer (self);
      return;
    }
  g_byte_array_append (self->body, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  if (self->body->len > SCOPE_ROSTER_MAX_BYTES)
    {
      finish (self, NULL, g_error_new (SCOPE_ERROR, SCOPE_ERROR_PROTOCOL, "registry %s: roster longer than %d bytes",
                                       self->api.registry, SCOPE_ROSTER_MAX_BYTES));
      return;
    }
  g_input_stream_read_bytes_async (G_INPUT_STREAM (source), CHUNK, G_PRIORITY_DEFAULT, self->cancellable, on_body,
                                   g_rc_box_acquire (self));
}

static void
on_answer (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Held) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GInputStream) stream = soup_session_send_finish (SOUP_SESSION (source), result, &error);

  if (!self->done)
    return;
  if (!stream)
    {
      finish (self, NULL, scope_api_error (&self->api, self->message, error));
      return;
    }
  g_input_stream_read_bytes_async (stream, CHUNK, G_PRIORITY_DEFAULT, self->cancellable, on_body,
                                   g_rc_box_acquire (self));
}

static void
ask (ScopeFetch *self)
{
  g_autofree char *url = scope_api_peer_url (&self->api, "get", self->form);

  g_clear_object (&self->message);
  self->message = soup_message_new (SOUP_METHOD_GET, url);
  g_byte_array_set_size (self->body, 0);
  soup_session_send_async (self->soup, self->message, G_PRIORITY_DEFAULT, self->cancellable, on_answer,
                           g_rc_box_acquire (self));
}

static gboolean
on_limit (gpointer data)
{
  ScopeFetch *self = data;

  self->limit_id = 0;
  self->timed_out = TRUE;
  g_cancellable_cancel (self->cancellable);
  finish (self, NULL, g_error_new (SCOPE_ERROR, SCOPE_ERROR_UNREACHABLE, "registry %s: no whole roster within %u ms",
                                   self->api.registry, self->limit_ms));
  return G_SOURCE_REMOVE;
}

ScopeFetch *
scope_fetch_new (SoupSession *soup, const ScopeApi *api, ScopeApiKeyForm form, guint limit_ms, ScopeFetchDone done,
                 gpointer data, GDestroyNotify let_go)
{
  ScopeFetch *self = g_rc_box_new0 (ScopeFetch);

  self->soup = g_object_ref (soup);
  self->api = *api;
  self->form = form;
  self->done = done;
  self->data = data;
  self->let_go = let_go;
  self->cancellable = g_cancellable_new ();
  self->body = g_byte_array_new ();
  self->limit_ms = limit_ms;
  self->limit_id = scope_timeout_add (limit_ms, on_limit, self);
  ask (self);
  return self;
}

void
scope_fetch_free (ScopeFetch *self)
{
  g_clear_handle_id (&self->limit_id, g_source_remove);
  if (self->done)
    g_cancellable_cancel (self->cancellable);
  self->done = NULL;
  release (self);
}

gboolean
scope_fetch_timed_out (const ScopeFetch *self)
{
  return self->timed_out;
}

ScopeApiKeyForm
scope_fetch_get_form (const ScopeFetch *self)
{
  return self->form;
}

char *
scope_fetch_get_remote (const ScopeFetch *self)
{
  GSocketAddress *remote = soup_message_get_remote_address (self->message);

  if (!G_IS_INET_SOCKET_ADDRESS (remote))
    return NULL;
  return g_inet_address_to_string (g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (remote)));
}

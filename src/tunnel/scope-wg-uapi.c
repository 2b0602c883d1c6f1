/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel/scope-wg-uapi.h"

#include "common/scope-error.h"
#include "crypto/scope-x25519.h"
#include "tunnel/scope-wg-private.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET_TIMEOUT 1               /* seconds, for each connect, read and write */
#define ANSWER_MAX (16 * 1024 * 1024)  /* bytes; 1,000 peers take about 0.5 MiB */
#define HEX_LEN (2 * SCOPE_KEY_LEN)

/* A buffer that has held keys is overwritten before it is freed, also when it grows. */
typedef struct {
  char *data;
  gsize len;
  gsize size;
} Buffer;

static void
buffer_clear (Buffer *buffer)
{
  if (buffer->data)
    explicit_bzero (buffer->data, buffer->size);
  g_clear_pointer (&buffer->data, g_free);
  buffer->len = buffer->size = 0;
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Buffer, buffer_clear)

/* Makes room for @more bytes and a final NUL. */
static void
buffer_reserve (Buffer *buffer, gsize more)
{
  if (buffer->size - buffer->len > more)
    return;

  gsize size = MAX (2 * buffer->size, buffer->len + more + 1);
  char *data = g_malloc (size);
  gsize len = buffer->len;
  if (len)
    memcpy (data, buffer->data, len);
  buffer_clear (buffer);
  *buffer = (Buffer) { data, len, size };
}

static void
append (Buffer *buffer, const char *text)
{
  gsize len = strlen (text);

  buffer_reserve (buffer, len);
  memcpy (buffer->data + buffer->len, text, len + 1);
  buffer->len += len;
}

static void append_line (Buffer *buffer, const char *key, const char *format, ...) G_GNUC_PRINTF (3, 4);

static void
append_line (Buffer *buffer, const char *key, const char *format, ...)
{
  char value[128];
  va_list args;

  va_start (args, format);
  g_vsnprintf (value, sizeof value, format, args);
  va_end (args);
  append (buffer, key);
  append (buffer, "=");
  append (buffer, value);
  append (buffer, "\n");
}

static void
append_key (Buffer *buffer, const char *name, const ScopeKey *key)
{
  char hex[HEX_LEN + 1];

  for (int i = 0; i < SCOPE_KEY_LEN; i++)
    {
      /* Arithmetic instead of a table: private keys pass here. */
      for (int half = 0; half < 2; half++)
        {
          int v = (key->bytes[i] >> (half ? 0 : 4)) & 15;
          hex[2 * i + half] = '0' + v + (((9 - v) >> 8) & ('a' - '0' - 10));
        }
    }
  hex[HEX_LEN] = '\0';
  append (buffer, name);
  append (buffer, "=");
  append (buffer, hex);
  append (buffer, "\n");
  explicit_bzero (hex, sizeof hex);
}

static void
append_endpoint (Buffer *buffer, const ScopeSockaddr *endpoint)
{
  g_autofree char *text = scope_sockaddr_format (endpoint);
  char name[IF_NAMESIZE];

  /* A link-local address means nothing without its link. */
  if (endpoint->any.sa_family == AF_INET6 && endpoint->in6.sin6_scope_id &&
      if_indextoname (endpoint->in6.sin6_scope_id, name))
    {
      char *close = strchr (text, ']');
      *close = '\0';
      append_line (buffer, "endpoint", "%s%%%s]%s", text, name, close + 1);
    }
  else if (text)
    append_line (buffer, "endpoint", "%s", text);
}

static void
append_change (Buffer *buffer, const ScopeWgChange *change)
{
  const ScopeWgPeer *peer = change->peer;
  gboolean whole = change->add || change->readd;

  append_key (buffer, "public_key", &peer->pub);
  if (change->remove || change->readd)
    append_line (buffer, "remove", "true");
  if (change->remove)
    return;
  if (change->readd)
    append_key (buffer, "public_key", &peer->pub);
  if (!whole)
    append_line (buffer, "update_only", "true");
  if (whole || change->set_preshared)
    append_key (buffer, "preshared_key", &peer->preshared);
  if (whole || change->set_endpoint)
    append_endpoint (buffer, &peer->endpoint);
  if (whole || change->set_allowed)
    {
      char text[SCOPE_PREFIX_STRLEN];

      append_line (buffer, "replace_allowed_ips", "true");
      for (guint i = 0; i < peer->allowed->len; i++)
        append_line (buffer, "allowed_ip", "%s",
                     scope_prefix_format (&g_array_index (peer->allowed, ScopePrefix, i), text));
    }
  /* Last: going from 0 to a number sends a packet, which must find endpoint and key in place. */
  if (whole || change->set_keepalive)
    append_line (buffer, "persistent_keepalive_interval", "%u", peer->keepalive);
}

char *
scope_wg_uapi_encode (const GPtrArray *changes)
{
  Buffer buffer = { 0 };

  append (&buffer, "set=1\n");
  for (int removals = 1; removals >= 0; removals--)
    for (guint i = 0; i < changes->len; i++)
      {
        const ScopeWgChange *change = g_ptr_array_index (changes, i);
        if (!!change->remove == removals)
          append_change (&buffer, change);
      }
  append (&buffer, "\n");
  return buffer.data;
}

/* --- decoding --- */

typedef struct {
  ScopeWgDevice *device;
  ScopeWgPeer *peer;    /* whose lines these are; NULL while they are the device's */
  guint64 handshake_sec; /* of peer */
  guint64 handshake_nsec;
  gboolean has_errno;
  gint64 code;
} Decoder;

static gboolean
bad_value (GError **error, const char *key)
{
  /* Without the value: it may be a key, and it may be long. */
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL, "WireGuard's answer: bad value of “%s”", key);
  return FALSE;
}

static int
hex_value (int c)
{
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

static gboolean
parse_hex_key (const char *value, ScopeKey *key)
{
  if (strlen (value) != HEX_LEN)
    return FALSE;
  for (int i = 0; i < SCOPE_KEY_LEN; i++)
    {
      int high = hex_value (value[2 * i]), low = hex_value (value[2 * i + 1]);

      if (high < 0 || low < 0)
        {
          scope_key_clear (key);
          return FALSE;
        }
      key->bytes[i] = high << 4 | low;
    }
  return TRUE;
}

static gboolean
parse_number (const char *value, guint64 max, guint64 *number)
{
  return g_ascii_string_to_unsigned (value, 10, 0, max, number, NULL);
}

/* "192.0.2.1:51820", "[2001:db8::1]:51820", and with a zone "[fe80::1%eth0]:51820" */
static gboolean
parse_endpoint (const char *value, ScopeSockaddr *endpoint)
{
  const char *percent = strchr (value, '%');
  const char *close = percent ? strchr (percent, ']') : NULL;

  if (!percent)
    return scope_sockaddr_parse (endpoint, value);
  if (!close || close - percent - 1 >= IF_NAMESIZE)
    return FALSE;

  g_autofree char *zone = g_strndup (percent + 1, close - percent - 1);
  g_autofree char *plain = g_strdup_printf ("%.*s%s", (int) (percent - value), value, close);
  guint64 index;
  if (!scope_sockaddr_parse (endpoint, plain) || endpoint->any.sa_family != AF_INET6)
    return FALSE;
  if (!g_ascii_string_to_unsigned (zone, 10, 1, G_MAXUINT32, &index, NULL))
    index = if_nametoindex (zone); /* 0 when the link is gone */
  endpoint->in6.sin6_scope_id = index;
  return TRUE;
}

static gboolean
finish_peer (Decoder *d, GError **error)
{
  if (!d->peer)
    return TRUE;
  if (d->handshake_sec > G_MAXINT64 / G_USEC_PER_SEC - 1)
    return bad_value (error, "last_handshake_time_sec");
  d->peer->handshake_usec = d->handshake_sec * G_USEC_PER_SEC + d->handshake_nsec / 1000;
  scope_wg_peer_normalise (d->peer);
  return TRUE;
}

static gboolean
parse_device_line (Decoder *d, const char *key, const char *value, GError **error)
{
  guint64 number;

  if (g_str_equal (key, "private_key"))
    {
      ScopeKey private_key;
      gboolean ok = parse_hex_key (value, &private_key) &&
                    (scope_key_is_zero (&private_key) || scope_x25519_public (&d->device->pub, &private_key, NULL));

      scope_key_clear (&private_key);
      return ok || bad_value (error, key);
    }
  if (g_str_equal (key, "listen_port"))
    {
      if (!parse_number (value, G_MAXUINT16, &number))
        return bad_value (error, key);
      d->device->listen_port = number;
    }
  else if (g_str_equal (key, "fwmark"))
    {
      if (!parse_number (value, G_MAXUINT32, &number))
        return bad_value (error, key);
      d->device->fwmark = number;
    }
  return TRUE;
}

static gboolean
parse_peer_line (Decoder *d, const char *key, const char *value, GError **error)
{
  ScopeWgPeer *peer = d->peer;
  ScopePrefix prefix;
  guint64 number;
  gboolean ok = TRUE;

  if (g_str_equal (key, "preshared_key"))
    ok = parse_hex_key (value, &peer->preshared);
  else if (g_str_equal (key, "endpoint"))
    ok = parse_endpoint (value, &peer->endpoint);
  else if (g_str_equal (key, "last_handshake_time_sec"))
    ok = parse_number (value, G_MAXINT64, &d->handshake_sec);
  else if (g_str_equal (key, "last_handshake_time_nsec"))
    ok = parse_number (value, 999999999, &d->handshake_nsec);
  else if (g_str_equal (key, "rx_bytes"))
    ok = parse_number (value, G_MAXUINT64, &peer->rx_bytes);
  else if (g_str_equal (key, "tx_bytes"))
    ok = parse_number (value, G_MAXUINT64, &peer->tx_bytes);
  else if (g_str_equal (key, "persistent_keepalive_interval"))
    {
      ok = parse_number (value, G_MAXUINT16, &number);
      if (ok)
        peer->keepalive = number;
    }
  else if (g_str_equal (key, "allowed_ip"))
    {
      ok = scope_prefix_parse (&prefix, value);
      if (ok)
        g_array_append_val (peer->allowed, prefix);
    }
  return ok || bad_value (error, key);
}

static gboolean
parse_line (Decoder *d, char *line, GError **error)
{
  char *value = strchr (line, '=');

  if (!value)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL, "WireGuard's answer: line without “=”");
      return FALSE;
    }
  *value++ = '\0';

  if (g_str_equal (line, "errno"))
    {
      d->has_errno = TRUE;
      return g_ascii_string_to_signed (value, 10, -4095, 4095, &d->code, NULL) || bad_value (error, line);
    }
  if (g_str_equal (line, "public_key"))
    {
      ScopeKey pub;

      if (!finish_peer (d, error))
        return FALSE;
      if (!parse_hex_key (value, &pub))
        return bad_value (error, line);
      d->peer = scope_wg_device_peer (d->device, &pub);
      d->handshake_sec = d->handshake_nsec = 0;
      return TRUE;
    }
  return d->peer ? parse_peer_line (d, line, value, error) : parse_device_line (d, line, value, error);
}

/* Fills the decoder from an answer; d->code is then the other side's verdict. */
static gboolean
parse_answer (Decoder *d, const char *text, gsize len, GError **error)
{
  g_auto (Buffer) line = { 0 };

  for (const char *end = text + len; text < end;)
    {
      const char *newline = memchr (text, '\n', end - text);
      gsize n = (newline ? newline : end) - text;

      if (memchr (text, '\0', n))
        {
          g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL, "WireGuard's answer: NUL in a line");
          return FALSE;
        }
      line.len = 0;
      buffer_reserve (&line, n);
      memcpy (line.data, text, n);
      line.data[n] = '\0';
      if (n > 0 && !parse_line (d, line.data, error))
        return FALSE;
      text += n + (newline ? 1 : 0);
    }
  if (!finish_peer (d, error))
    return FALSE;
  if (!d->has_errno)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL, "WireGuard's answer ends before “errno”");
      return FALSE;
    }
  return TRUE;
}

ScopeWgDevice *
scope_wg_device_parse_uapi (const char *text, gsize len, GError **error)
{
  g_autoptr (ScopeWgDevice) device = scope_wg_device_new ();
  Decoder d = { .device = device };

  if (!parse_answer (&d, text, len, error))
    return NULL;
  if (d.code != 0)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_FAILED, "WireGuard's answer: errno %" G_GINT64_FORMAT, d.code);
      return NULL;
    }
  return g_steal_pointer (&device);
}

/* --- the socket --- */

static int
connect_socket (const char *ifname, GError **error)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  struct timeval timeout = { .tv_sec = SOCKET_TIMEOUT };
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_snprintf (address.sun_path, sizeof address.sun_path, SCOPE_WG_UAPI_SOCKET, ifname);
  if (fd >= 0 && setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) == 0 &&
      setsockopt (fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) == 0 &&
      connect (fd, (struct sockaddr *) &address, sizeof address) == 0)
    return fd;

  int code = errno;
  if (fd >= 0)
    close (fd);
  if (code == ENOENT || code == ECONNREFUSED) /* no process, or one that died and left its socket */
    code = ENODEV;
  scope_wg_set_errno (error, ifname, "reach its WireGuard process", code, NULL);
  return -1;
}

/* Sends a request and reads the answer up to the empty line that ends it. */
static gboolean
talk (int fd, const char *ifname, const char *request, Buffer *answer, GError **error)
{
  gsize left = strlen (request);

  while (left > 0)
    {
      ssize_t n = send (fd, request, left, MSG_NOSIGNAL);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
        break; /* it refused half-way and hung up: the answer says why */
      if (n < 0)
        {
          int code = errno == EAGAIN ? ETIMEDOUT : errno;
          scope_wg_set_errno (error, ifname, "write to its WireGuard process", code, NULL);
          return FALSE;
        }
      request += n;
      left -= n;
    }

  while (answer->len < 2 || memcmp (answer->data + answer->len - 2, "\n\n", 2) != 0)
    {
      if (answer->len >= ANSWER_MAX)
        {
          g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL,
                       "interface %s: WireGuard's answer is longer than %d bytes", ifname, ANSWER_MAX);
          return FALSE;
        }
      buffer_reserve (answer, 8192);
      ssize_t n = recv (fd, answer->data + answer->len, answer->size - answer->len - 1, 0);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        {
          int code = errno == EAGAIN ? ETIMEDOUT : errno;
          scope_wg_set_errno (error, ifname, "read from its WireGuard process", code, NULL);
          return FALSE;
        }
      if (n == 0)
        {
          g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_GONE, "interface %s: its WireGuard process hung up", ifname);
          return FALSE;
        }
      answer->len += n;
    }
  answer->len -= 1;
  return TRUE;
}

static gboolean
run (const char *ifname, const char *what, const char *request, ScopeWgDevice *device, GError **error)
{
  g_auto (Buffer) answer = { 0 };
  Decoder d = { .device = device };
  int fd = connect_socket (ifname, error);

  if (fd < 0)
    return FALSE;

  gboolean ok = talk (fd, ifname, request, &answer, error);
  close (fd);
  if (!ok)
    return FALSE;
  if (!parse_answer (&d, answer.data, answer.len, error))
    {
      g_prefix_error (error, "interface %s: cannot %s: ", ifname, what);
      return FALSE;
    }
  if (d.code != 0)
    {
      /* wireguard-go answers with -EINVAL, others with EINVAL */
      scope_wg_set_errno (error, ifname, what, (int) ABS (d.code), NULL);
      return FALSE;
    }
  return TRUE;
}

ScopeWgDevice *
scope_wg_uapi_read (const char *ifname, GError **error)
{
  g_autoptr (ScopeWgDevice) device = scope_wg_device_new ();

  if (!run (ifname, "read it", "get=1\n\n", device, error))
    return NULL;
  return g_steal_pointer (&device);
}

gboolean
scope_wg_uapi_apply (const char *ifname, const GPtrArray *changes, GError **error)
{
  g_autoptr (ScopeSecret) request = scope_wg_uapi_encode (changes);
  g_autoptr (ScopeWgDevice) ignored = scope_wg_device_new ();

  return run (ifname, "change its peers", request, ignored, error);
}

gboolean
scope_wg_uapi_configure (const char *ifname, const ScopeKey *private_key, guint16 listen_port, GError **error)
{
  g_auto (Buffer) request = { 0 };
  g_autoptr (ScopeWgDevice) ignored = scope_wg_device_new ();

  append (&request, "set=1\n");
  append_line (&request, "listen_port", "%u", listen_port); /* first: a taken port must leave the key alone */
  append_key (&request, "private_key", private_key);
  append (&request, "\n");
  return run (ifname, "set its key and port", request.data, ignored, error);
}

gboolean
scope_wg_uapi_set_fwmark (const char *ifname, guint32 fwmark, GError **error)
{
  g_auto (Buffer) request = { 0 };
  g_autoptr (ScopeWgDevice) ignored = scope_wg_device_new ();

  append (&request, "set=1\n");
  append_line (&request, "fwmark", "%u", fwmark);
  append (&request, "\n");
  return run (ifname, "set its mark", request.data, ignored, error);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "scope-import.h"

#include "common/scope-invite-file.h"
#include "common/scope-settings.h"
#include "scope-edge-json.h"
#include "scope-invite.h"
#include "scope-profile.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SNIFF_LEN 4096 /* bytes in which the magic must show, behind comments */

static const char *
skip_space (const char *p, const char *end)
{
  while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
    p++;
  return p;
}

/* Windows editors put a byte order mark first. */
static const char *
skip_bom (const char *p, const char *end)
{
  return end - p >= 3 && memcmp (p, "\xef\xbb\xbf", 3) == 0 ? p + 3 : p;
}

static gboolean
begins_with (const char *p, const char *end, const char *magic)
{
  return (gsize) (end - p) >= strlen (magic) && memcmp (p, magic, strlen (magic)) == 0;
}

ScopeFileKind
scope_import_sniff (const char *data, gsize len)
{
  const char *end = data + MIN (len, SNIFF_LEN);
  const char *p = skip_space (skip_bom (data, end), end);

  if (p < end && *p == '{')
    return SCOPE_FILE_EDGE_JSON;
  if (p < end && *p == '[')
    {
      /* An array, or the first group of any keyfile (wg-quick's, for one): those begin with a letter. */
      const char *next = skip_space (p + 1, end);
      if (next < end && strchr ("{[]\"-0123456789", *next) && *next)
        return SCOPE_FILE_EDGE_JSON;
    }
  while (p < end && *p == '#')
    {
      p = memchr (p, '\n', end - p);
      p = p ? skip_space (p, end) : end;
    }
  if (begins_with (p, end, "[" SCOPE_PROFILE_GROUP "]"))
    return SCOPE_FILE_PROFILE;
  if (begins_with (p, end, "[" SCOPE_INVITE_GROUP "]"))
    return SCOPE_FILE_INVITE;
  return SCOPE_FILE_FOREIGN;
}

char *
scope_import_printable (char *text)
{
  for (char *p = text; *p; p = g_utf8_next_char (p))
    if (g_unichar_iscntrl (g_utf8_get_char (p)))
      memset (p, ' ', g_utf8_next_char (p) - p);
  return text;
}

NMConnection *
scope_import_connection_new (const char *id)
{
  NMConnection *connection = nm_simple_connection_new ();
  NMSetting *setting = nm_setting_connection_new ();

  g_object_set (setting, NM_SETTING_CONNECTION_ID, id, NM_SETTING_CONNECTION_TYPE, NM_SETTING_VPN_SETTING_NAME, NULL);
  nm_connection_add_setting (connection, setting);

  setting = nm_setting_vpn_new ();
  g_object_set (setting, NM_SETTING_VPN_SERVICE_TYPE, SCOPE_NM_SERVICE, NM_SETTING_VPN_PERSISTENT, TRUE, NULL);
  nm_setting_set_secret_flags (setting, SCOPE_SETTING_PRIVATE_KEY, NM_SETTING_SECRET_FLAG_NONE, NULL);
  nm_connection_add_setting (connection, setting);
  return connection;
}

/* Messages quote the file, which may be anything. */
static void
propagate_printable (GError **error, GError *why)
{
  g_autofree char *message = g_utf8_make_valid (why->message, -1);

  g_free (why->message);
  why->message = scope_import_printable (g_steal_pointer (&message));
  g_propagate_error (error, why);
}

NMConnection *
scope_import_bytes (const char *data, gsize len, GPtrArray *notes, GError **error)
{
  const char *text = skip_bom (data, data + len);
  g_autoptr (GError) why = NULL;
  NMConnection *connection = NULL;

  len -= text - data;
  if (len > SCOPE_IMPORT_MAX)
    g_set_error (&why, NM_CONNECTION_ERROR, NM_CONNECTION_ERROR_FAILED,
                 _ ("larger than %d bytes, so not a Scope profile"), SCOPE_IMPORT_MAX);
  else
    switch (scope_import_sniff (text, len))
      {
      case SCOPE_FILE_EDGE_JSON:
        connection = scope_edge_json_decode (text, len, notes, &why);
        break;
      case SCOPE_FILE_PROFILE:
        connection = scope_profile_decode (text, len, notes, &why);
        break;
      case SCOPE_FILE_INVITE:
        connection = scope_invite_decode (text, len, g_get_real_time () / G_USEC_PER_SEC, notes, &why);
        break;
      case SCOPE_FILE_FOREIGN:
        g_set_error_literal (&why, NM_CONNECTION_ERROR, NM_CONNECTION_ERROR_FAILED,
                             _ ("neither a Scope profile or invite nor an edge.json of Scope 0.0.x"));
        break;
      }
  if (!connection)
    propagate_printable (error, g_steal_pointer (&why));
  for (guint i = 0; notes && i < notes->len; i++)
    scope_import_printable (notes->pdata[i]);
  return connection;
}

static gboolean
set_errno (GError **error, int errsv)
{
  g_set_error_literal (error, G_FILE_ERROR, g_file_error_from_errno (errsv), g_strerror (errsv));
  return FALSE;
}

static gboolean
read_up_to (int fd, GByteArray *bytes, gsize want, GError **error)
{
  while (bytes->len < want)
    {
      guint had = bytes->len;
      g_byte_array_set_size (bytes, want);
      gssize n = read (fd, bytes->data + had, want - had);
      int errsv = errno;
      g_byte_array_set_size (bytes, had + MAX (n, 0));
      if (n < 0 && errsv != EINTR)
        return set_errno (error, errsv);
      if (n == 0)
        break;
    }
  return TRUE;
}

/* The file's content, or only its beginning when that is not ours. */
static gboolean
read_file (const char *path, GByteArray *bytes, GError **error)
{
  struct stat st;
  gboolean ok;
  /* O_NONBLOCK: the open of a FIFO that nobody writes to would wait for ever. */
  int fd = g_open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0);

  if (fd < 0 && errno != ENXIO)
    return set_errno (error, errno);
  if (fd >= 0 && fstat (fd, &st) < 0)
    ok = set_errno (error, errno);
  else if (fd >= 0 && S_ISDIR (st.st_mode))
    ok = set_errno (error, EISDIR);
  else if (fd < 0 || !S_ISREG (st.st_mode)) /* a socket cannot be opened: ENXIO */
    {
      g_set_error_literal (error, G_FILE_ERROR, G_FILE_ERROR_INVAL, _ ("not a regular file"));
      ok = FALSE;
    }
  else
    {
      ok = read_up_to (fd, bytes, SNIFF_LEN, error);
      if (ok && scope_import_sniff ((const char *) bytes->data, bytes->len) != SCOPE_FILE_FOREIGN)
        ok = read_up_to (fd, bytes, SCOPE_IMPORT_MAX + 1, error);
    }
  if (fd >= 0)
    close (fd);
  return ok;
}

/* 0.0.x kept the private key with the interface. Where it seems to be is told, but not read: a person
 * who imports one file has not asked for the secrets of another. */
static void
note_private_key (const char *path, NMConnection *connection, GPtrArray *notes)
{
  const char *network =
      nm_setting_vpn_get_data_item (nm_connection_get_setting_vpn (connection), SCOPE_SETTING_NETWORK);
  g_autofree char *dir = g_path_get_dirname (path);
  g_autofree char *conf = g_strconcat (network, ".conf", NULL);
  const char *dirs[] = { dir, "/etc/wireguard" };
  g_autofree char *found = NULL;
  const char *id = nm_connection_get_id (connection); /* a network name: needs no quotes in a shell */

  for (guint i = 0; !found && i < G_N_ELEMENTS (dirs); i++)
    {
      found = g_build_filename (dirs[i], conf, NULL);
      if (!g_file_test (found, G_FILE_TEST_IS_REGULAR))
        g_clear_pointer (&found, g_free);
    }
  if (found)
    g_ptr_array_add (notes, g_strdup_printf (
        _ ("the private key that belongs to pubKey is not in this file (PrivateKey in %s?); "
           "to give it to the connection: nmcli connection modify %s vpn.secrets private-key=…"), found, id));
  else
    g_ptr_array_add (notes, g_strdup_printf (
        _ ("the private key that belongs to pubKey is not in this file; "
           "to give it to the connection: nmcli connection modify %s vpn.secrets private-key=…"), id));
}

NMConnection *
scope_import_file (const char *path, GPtrArray *notes, GError **error)
{
  /* In one piece from the start: growing would leave copies of secrets behind. */
  g_autoptr (GByteArray) bytes = g_byte_array_sized_new (SCOPE_IMPORT_MAX + 1);
  g_autoptr (GPtrArray) found = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (NMConnection) connection = NULL;
  g_autofree char *display = g_filename_display_basename (path);
  const char *name = scope_import_printable (display);
  g_autoptr (GError) why = NULL;

  if (read_file (path, bytes, &why))
    {
      connection = scope_import_bytes ((const char *) bytes->data, bytes->len, found, &why);
      if (connection && scope_import_sniff ((const char *) bytes->data, bytes->len) == SCOPE_FILE_EDGE_JSON)
        note_private_key (path, connection, found);
    }
  if (bytes->len)
    explicit_bzero (bytes->data, bytes->len);
  if (!connection)
    g_propagate_prefixed_error (error, g_steal_pointer (&why), "%s: ", name);
  for (guint i = 0; connection && notes && i < found->len; i++)
    g_ptr_array_add (notes, scope_import_printable (g_strdup_printf ("%s: %s", name, (char *) found->pdata[i])));
  return g_steal_pointer (&connection);
}

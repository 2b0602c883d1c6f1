/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "ctl/ctl-qr.h"

#include "common/scope-error.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <qrencode.h>
#include <string.h>

#define QUIET 4 /* modules of margin (ISO 18004 §5.3.8) */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (QRcode, QRcode_free)

static gboolean
is_dark (const QRcode *code, int x, int y)
{
  return x >= 0 && y >= 0 && x < code->width && y < code->width && (code->data[y * code->width + x] & 1);
}

char *
ctl_qr_draw (const char *text, gboolean colours, guint *columns, GError **error)
{
  /* Eight bits as they are: case matters, and level L is enough for a screen. */
  g_autoptr (QRcode) code = QRcode_encodeData (strlen (text), (const guint8 *) text, 0, QR_ECLEVEL_L);
  GString *out;
  int end;

  if (!code)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, _ ("cannot draw a QR code of %u bytes: %s"),
                   (guint) strlen (text), g_strerror (errno));
      return NULL;
    }
  out = g_string_new (NULL);
  end = code->width + QUIET;
  for (int y = -QUIET; y < end; y += 2)
    {
      if (colours)
        g_string_append (out, "\033[97;40m");
      for (int x = -QUIET; x < end; x++)
        {
          gboolean top = is_dark (code, x, y), bottom = y + 1 < end && is_dark (code, x, y + 1);
          g_string_append (out, top ? bottom ? " " : "▄" : bottom ? "▀" : "█");
        }
      g_string_append (out, colours ? "\033[0m\n" : "\n");
    }
  if (columns)
    *columns = end + QUIET;
  return g_string_free (out, FALSE);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "ctl/ctl-table.h"

#include "ctl/ctl-options.h"

struct _CtlTable {
  GPtrArray *cells;
  guint columns;
};

CtlTable *
ctl_table_new (const char *const *headings)
{
  CtlTable *table = g_new0 (CtlTable, 1);

  table->cells = g_ptr_array_new_with_free_func (g_free);
  table->columns = g_strv_length ((char **) headings);
  for (guint i = 0; i < table->columns; i++)
    ctl_table_add (table, headings[i]);
  return table;
}

void
ctl_table_free (CtlTable *table)
{
  g_ptr_array_unref (table->cells);
  g_free (table);
}

void
ctl_table_add (CtlTable *table, const char *cell)
{
  g_ptr_array_add (table->cells, ctl_printable (cell && *cell ? cell : "-"));
}

static guint
width (const char *text)
{
  guint n = 0;

  for (const char *p = text; *p; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);
      n += g_unichar_iszerowidth (c) ? 0 : g_unichar_iswide (c) ? 2 : 1;
    }
  return n;
}

char *
ctl_table_format (const CtlTable *table)
{
  g_autofree guint *widths = g_new0 (guint, table->columns);
  GString *out = g_string_new (NULL);

  for (guint i = 0; i < table->cells->len; i++)
    widths[i % table->columns] = MAX (widths[i % table->columns], width (table->cells->pdata[i]));
  for (guint i = 0; i < table->cells->len; i++)
    {
      guint column = i % table->columns;

      g_string_append (out, table->cells->pdata[i]);
      if (column == table->columns - 1)
        g_string_append_c (out, '\n');
      else
        for (guint n = width (table->cells->pdata[i]); n < widths[column] + 2; n++)
          g_string_append_c (out, ' ');
    }
  return g_string_free (out, FALSE);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ctl-table: rows of text as columns, by what characters take on a terminal, not by bytes. */
#pragma once

#include <glib.h>

typedef struct _CtlTable CtlTable;

/* Headings, NULL-terminated; each row has as many cells. */
CtlTable *ctl_table_new (const char *const *headings);
void ctl_table_free (CtlTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtlTable, ctl_table_free)

/* @cell: (nullable): made printable; the next cell, row by row */
void ctl_table_add (CtlTable *table, const char *cell);

char *ctl_table_format (const CtlTable *table);

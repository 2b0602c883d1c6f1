/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * editor-host: does with the editor what nm-connection-editor (GTK 3) and GNOME Settings (GTK 4) do, through libnm, told by
 * lines on standard input: a verb and its arguments, with tabs between them. Each is answered by one or more lines, the last
 * of which is “.”; see verbs[]. A timer that should fire each 5 ms finds out whether something holds up the main loop.
 */
#include <NetworkManager.h>
#include <fcntl.h>
#include <gtk/gtk.h>
#include <nma-ui-utils.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SERVICE "org.freedesktop.NetworkManager.scope"
#define GTK4 GTK_CHECK_VERSION (4, 0, 0)

typedef struct {
  GMainLoop *loop;
  GMainContext *context;
  NMVpnEditorPlugin *plugin;
  NMConnection *connection;
  NMVpnEditor *editor;
  GtkWidget *window;
  guint changed;
  gint64 tick;  /* µs, when the timer fired last */
  gint64 stall; /* µs, the longest that it was late */
  int schedstat[2]; /* this thread's and the X server's */
  gint64 waited; /* µs, as of then */
} Host;

/* --- toolkits --- */

#if GTK4
static const char *
widget_id (GtkWidget *widget)
{
  return gtk_buildable_get_buildable_id (GTK_BUILDABLE (widget));
}

static GtkWidget *
find (GtkWidget *widget, const char *id)
{
  GtkWidget *found = NULL;

  if (g_strcmp0 (widget_id (widget), id) == 0)
    return widget;
  if (GTK_IS_EXPANDER (widget) && gtk_expander_get_child (GTK_EXPANDER (widget))) /* no child of its own while closed */
    found = find (gtk_expander_get_child (GTK_EXPANDER (widget)), id);
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child && !found; child = gtk_widget_get_next_sibling (child))
    found = find (child, id);
  return found;
}

static const char *
entry_text (GtkWidget *entry)
{
  return gtk_editable_get_text (GTK_EDITABLE (entry));
}

static gboolean
has_class (GtkWidget *widget, const char *name)
{
  return gtk_widget_has_css_class (widget, name);
}

static gboolean
is_told_invalid (GtkWidget *widget)
{
  char *wrong =
      gtk_test_accessible_check_state (GTK_ACCESSIBLE (widget), GTK_ACCESSIBLE_STATE_INVALID, GTK_ACCESSIBLE_INVALID_TRUE);
  gboolean told = !wrong && gtk_test_accessible_has_relation (GTK_ACCESSIBLE (widget), GTK_ACCESSIBLE_RELATION_ERROR_MESSAGE);

  g_free (wrong);
  return told;
}

static gboolean
is_named (GtkWidget *widget)
{
  return gtk_test_accessible_has_relation (GTK_ACCESSIBLE (widget), GTK_ACCESSIBLE_RELATION_LABELLED_BY) ||
         gtk_test_accessible_has_property (GTK_ACCESSIBLE (widget), GTK_ACCESSIBLE_PROPERTY_LABEL);
}
#else
typedef struct {
  const char *id;
  GtkWidget *found;
} Search;

static void
search (GtkWidget *widget, gpointer data)
{
  Search *wanted = data;

  if (g_strcmp0 (gtk_buildable_get_name (GTK_BUILDABLE (widget)), wanted->id) == 0)
    wanted->found = widget;
  else if (GTK_IS_CONTAINER (widget) && !wanted->found)
    gtk_container_forall (GTK_CONTAINER (widget), search, wanted);
}

static GtkWidget *
find (GtkWidget *widget, const char *id)
{
  Search wanted = { id, NULL };

  search (widget, &wanted);
  return wanted.found;
}

static const char *
entry_text (GtkWidget *entry)
{
  return gtk_entry_get_text (GTK_ENTRY (entry));
}

static gboolean
has_class (GtkWidget *widget, const char *name)
{
  return gtk_style_context_has_class (gtk_widget_get_style_context (widget), name);
}

static gboolean
is_told_invalid (GtkWidget *widget)
{
  AtkObject *accessible = gtk_widget_get_accessible (widget);
  AtkRelationSet *relations = atk_object_ref_relation_set (accessible);
  const char *description = atk_object_get_description (accessible);
  gboolean told = atk_relation_set_contains (relations, ATK_RELATION_ERROR_MESSAGE) && description && *description;

  g_object_unref (relations);
  return told;
}

static gboolean
is_named (GtkWidget *widget)
{
  AtkObject *accessible = gtk_widget_get_accessible (widget);
  AtkRelationSet *relations = atk_object_ref_relation_set (accessible);
  const char *name = atk_object_get_name (accessible);
  gboolean named = (name && *name) || atk_relation_set_contains (relations, ATK_RELATION_LABELLED_BY);

  g_object_unref (relations);
  return named;
}
#endif

/* --- answers --- */

static void
settle (Host *host)
{
  while (g_main_context_iteration (host->context, FALSE))
    continue;
}

static void
answer (const char *text)
{
  g_autofree char *line = g_strdup (text ? text : "");

  g_strdelimit (line, "\n", ' ');
  printf ("%s\n", line);
}

static GtkWidget *
entry_of (GtkWidget *combo)
{
#if GTK4
  return gtk_combo_box_get_child (GTK_COMBO_BOX (combo));
#else
  return gtk_bin_get_child (GTK_BIN (combo));
#endif
}

/* NULL, and the answer is given, when there is none. Of a combo box with an entry, that */
static GtkWidget *
widget_of (Host *host, char **words)
{
  GtkWidget *widget = host->editor && words[1] ? find (host->window, words[1]) : NULL;

  if (!widget)
    answer ("no such widget");
  else if (GTK_IS_COMBO_BOX (widget) && gtk_combo_box_get_has_entry (GTK_COMBO_BOX (widget)))
    widget = entry_of (widget);
  return widget;
}

static NMSettingVpn *
vpn_of (Host *host)
{
  return nm_connection_get_setting_vpn (host->connection);
}

/* --- verbs --- */

static void
do_new (Host *host, char **words)
{
  NMSetting *setting = nm_setting_connection_new ();
  g_autofree char *uuid = nm_utils_uuid_generate ();

  g_clear_object (&host->connection);
  host->connection = nm_simple_connection_new ();
  g_object_set (setting, NM_SETTING_CONNECTION_ID, "test", NM_SETTING_CONNECTION_UUID, uuid, NM_SETTING_CONNECTION_TYPE,
                NM_SETTING_VPN_SETTING_NAME, NULL);
  nm_connection_add_setting (host->connection, setting);
  setting = nm_setting_vpn_new ();
  g_object_set (setting, NM_SETTING_VPN_SERVICE_TYPE, SERVICE, NULL);
  nm_connection_add_setting (host->connection, setting);
}

static void
do_data (Host *host, char **words)
{
  nm_setting_vpn_add_data_item (vpn_of (host), words[1], words[2]);
}

static void
do_secret (Host *host, char **words)
{
  nm_setting_vpn_add_secret (vpn_of (host), words[1], words[2]);
}

static void
on_changed (NMVpnEditor *editor, gpointer data)
{
  Host *host = data;

  host->changed++;
}

static void
do_close (Host *host, char **words)
{
  if (host->window)
#if GTK4
    gtk_window_destroy (GTK_WINDOW (host->window));
#else
    gtk_widget_destroy (host->window);
#endif
  host->window = NULL;
  if (host->editor)
    g_signal_handlers_disconnect_by_data (host->editor, host);
  g_clear_object (&host->editor);
  settle (host);
}

static void
do_open (Host *host, char **words)
{
  g_autoptr (GError) error = NULL;
  GtkWidget *widget;

  do_close (host, words);
  host->changed = 0;
  host->editor = nm_vpn_editor_plugin_get_editor (host->plugin, host->connection, &error);
  if (!host->editor)
    {
      answer (error->message);
      return;
    }
  g_signal_connect (host->editor, "changed", G_CALLBACK (on_changed), host);
  widget = GTK_WIDGET (nm_vpn_editor_get_widget (host->editor));
#if GTK4
  host->window = gtk_window_new ();
  gtk_window_set_child (GTK_WINDOW (host->window), widget);
  gtk_window_present (GTK_WINDOW (host->window));
#else
  host->window = gtk_window_new (GTK_WINDOW_TOPLEVEL);
  gtk_container_add (GTK_CONTAINER (host->window), widget);
  gtk_widget_show_all (host->window);
#endif
  gtk_window_set_title (GTK_WINDOW (host->window), "editor-host");
  settle (host);
}

/* Text of an entry or label, id of a choice, state of a switch or an expander */
static void
do_get (Host *host, char **words)
{
  GtkWidget *widget = widget_of (host, words);

  if (!widget)
    return;
  if (GTK_IS_ENTRY (widget))
    answer (entry_text (widget));
  else if (GTK_IS_COMBO_BOX (widget))
    answer (gtk_combo_box_get_active_id (GTK_COMBO_BOX (widget)));
  else if (GTK_IS_SWITCH (widget))
    answer (gtk_switch_get_active (GTK_SWITCH (widget)) ? "yes" : "");
  else if (GTK_IS_EXPANDER (widget))
    answer (gtk_expander_get_expanded (GTK_EXPANDER (widget)) ? "yes" : "");
  else if (GTK_IS_LABEL (widget))
    answer (gtk_label_get_text (GTK_LABEL (widget)));
  else
    answer (G_OBJECT_TYPE_NAME (widget));
}

static void
do_set (Host *host, char **words)
{
  GtkWidget *widget = widget_of (host, words);

  if (!widget)
    return;
  if (GTK_IS_ENTRY (widget))
#if GTK4
    gtk_editable_set_text (GTK_EDITABLE (widget), words[2]);
#else
    gtk_entry_set_text (GTK_ENTRY (widget), words[2]);
#endif
  else if (GTK_IS_COMBO_BOX (widget))
    {
      if (!gtk_combo_box_set_active_id (GTK_COMBO_BOX (widget), words[2]))
        answer ("no such choice");
    }
  else if (GTK_IS_SWITCH (widget))
    gtk_switch_set_active (GTK_SWITCH (widget), g_str_equal (words[2], "yes"));
  else if (GTK_IS_EXPANDER (widget))
    gtk_expander_set_expanded (GTK_EXPANDER (widget), g_str_equal (words[2], "yes"));
  else
    g_object_set (widget, "active", g_str_equal (words[2], "yes"), NULL);
  settle (host);
}

/* What a person chooses in the menu of libnma's icon */
static void
do_keep (Host *host, char **words)
{
  GtkWidget *widget = widget_of (host, words);

  if (widget)
    nma_utils_update_password_storage (widget, atoi (words[2]), NULL, NULL);
  settle (host);
}

static void
do_kept (Host *host, char **words)
{
  GtkWidget *widget = widget_of (host, words);

  if (widget)
    printf ("%u\n", nma_utils_menu_to_secret_flags (widget));
}

static void
do_click (Host *host, char **words)
{
  GtkWidget *widget = widget_of (host, words);

  if (widget)
    g_signal_emit_by_name (widget, "clicked");
  settle (host);
}

/* Words: visible, sensitive, error (the style class), invalid (for those who do not see), named, mnemonic */
static void
do_look (Host *host, char **words)
{
  GtkWidget *widget = widget_of (host, words);

  if (!widget)
    return;
  if (g_object_get_data (G_OBJECT (widget), "scope-seen")) /* a choice in GTK 4 */
    widget = g_object_get_data (G_OBJECT (widget), "scope-seen");
  printf ("%s%s%s%s%s%s\n", gtk_widget_get_visible (widget) ? " visible" : "", gtk_widget_get_sensitive (widget) ? " sensitive" : "",
          has_class (widget, "error") ? " error" : "", is_told_invalid (widget) ? " invalid" : "",
          is_named (widget) ? " named" : "",
          GTK_IS_LABEL (widget) && gtk_label_get_mnemonic_widget (GTK_LABEL (widget)) ? " mnemonic" : "");
}

static void
do_tooltip (Host *host, char **words)
{
  GtkWidget *widget = widget_of (host, words);
  g_autofree char *text = NULL;

  if (widget)
    g_object_get (widget, "tooltip-text", &text, NULL);

  answer (text);
}

/* The label with its underline */
static void
do_label (Host *host, char **words)
{
  GtkWidget *widget = widget_of (host, words);

  if (widget)
    answer (gtk_label_get_label (GTK_LABEL (widget)));
}

/* The choices of a combo box, a line for each */
static void
do_choices (Host *host, char **words)
{
  GtkWidget *widget = host->editor ? find (host->window, words[1]) : NULL;
  GtkTreeModel *model = GTK_IS_COMBO_BOX (widget) ? gtk_combo_box_get_model (GTK_COMBO_BOX (widget)) : NULL;
  GtkTreeIter iter;

  for (gboolean more = model && gtk_tree_model_get_iter_first (model, &iter); more; more = gtk_tree_model_iter_next (model, &iter))
    {
      g_autofree char *text = NULL;
      gtk_tree_model_get (model, &iter, 0, &text, -1);
      answer (text);
    }
}

/* Nothing, or why not */
static void
do_update (Host *host, char **words)
{
  g_autoptr (GError) error = NULL;

  if (!nm_vpn_editor_update_connection (host->editor, host->connection, &error))
    {
      if (error->domain != NM_CONNECTION_ERROR)
        g_error ("an error of %s", g_quark_to_string (error->domain));
      answer (error->message);
    }
}

static void
print_data (const char *key, const char *value, gpointer data)
{
  printf ("data\t%s\t%s\n", key, value);
}

static void
print_secret (const char *key, const char *value, gpointer data)
{
  printf ("secret\t%s\t%s\n", key, value);
}

static void
do_dump (Host *host, char **words)
{
  nm_setting_vpn_foreach_data_item (vpn_of (host), print_data, NULL);
  nm_setting_vpn_foreach_secret (vpn_of (host), print_secret, NULL);
  printf ("persistent\t%s\n", nm_setting_vpn_get_persistent (vpn_of (host)) ? "yes" : "no");
}

static void
do_changed (Host *host, char **words)
{
  printf ("%u\n", host->changed);
  host->changed = 0;
}

static void
do_size (Host *host, char **words)
{
#if GTK4
  if (*words[1])
    gtk_window_set_default_size (GTK_WINDOW (host->window), atoi (words[1]), atoi (words[2]));
#else
  if (*words[1])
    gtk_window_resize (GTK_WINDOW (host->window), atoi (words[1]), atoi (words[2]));
#endif
  settle (host);
}

/* ms: the longest that the main loop was held up since it was asked last */
static void
do_stall (Host *host, char **words)
{
  printf ("%.1f\n", host->stall / 1000.0);
  host->stall = 0;
}

static const struct {
  const char *name;
  guint arguments;
  void (*run) (Host *host, char **words);
} verbs[] = {
  { "new", 0, do_new },         { "data", 2, do_data },       { "secret", 2, do_secret }, { "open", 0, do_open },
  { "close", 0, do_close },     { "get", 1, do_get },         { "set", 2, do_set },       { "keep", 2, do_keep },
  { "kept", 1, do_kept },       { "click", 1, do_click },     { "look", 1, do_look },     { "tooltip", 1, do_tooltip },
  { "label", 1, do_label },     { "choices", 1, do_choices }, { "update", 0, do_update }, { "dump", 0, do_dump },
  { "changed", 0, do_changed }, { "size", 2, do_size },       { "stall", 0, do_stall },
};

static void
obey (Host *host, const char *line)
{
  g_auto (GStrv) words = g_strsplit (line, "\t", 3);
  guint arguments = g_strv_length (words) - 1;
  gboolean known = FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (verbs); i++)
    if (g_str_equal (words[0], verbs[i].name) && arguments == verbs[i].arguments)
      {
        verbs[i].run (host, words);
        known = TRUE;
      }
  if (!known)
    answer ("no such verb");
  printf (".\n");
  fflush (stdout);
}

static gboolean
on_line (GIOChannel *channel, GIOCondition condition, gpointer data)
{
  Host *host = data;
  g_autofree char *line = NULL;
  gsize end;

  if (g_io_channel_read_line (channel, &line, NULL, &end, NULL) != G_IO_STATUS_NORMAL)
    {
      g_main_loop_quit (host->loop);
      return G_SOURCE_REMOVE;
    }
  line[end] = '\0';
  obey (host, line);
  return G_SOURCE_CONTINUE;
}

/*
 * µs that this thread, and the X server that it waits for now and then, could have run but for others who did: a busy machine holds
 * everybody up. 0 where the kernel does not say.
 */
static gint64
waited (Host *host)
{
  gint64 sum = 0;

  for (guint i = 0; i < G_N_ELEMENTS (host->schedstat); i++)
    {
      char text[128] = "";
      gint64 ns = 0;

      if (host->schedstat[i] >= 0 && pread (host->schedstat[i], text, sizeof text - 1, 0) > 0)
        sscanf (text, "%*u %" G_GINT64_FORMAT, &ns);
      sum += ns / 1000;
    }
  return sum;
}

static gboolean
on_tick (gpointer data)
{
  Host *host = data;
  gint64 now = g_get_monotonic_time (), waits = waited (host);

  host->stall = MAX (host->stall, now - host->tick - 5000 - (waits - host->waited));
  host->tick = now;
  host->waited = waits;
  return G_SOURCE_CONTINUE;
}

int
main (int argc, char **argv)
{
  Host host = { .tick = g_get_monotonic_time () };
  g_autoptr (GError) error = NULL;
  g_autofree char *server = NULL;
  g_autoptr (GIOChannel) input = g_io_channel_unix_new (0);
  GSList *infos;
  NMVpnPluginInfo *info;
  guint tick;

#if GTK4
  if (!gtk_init_check ())
#else
  if (!gtk_init_check (&argc, &argv))
#endif
    g_error ("no display");
  infos = nm_vpn_plugin_info_list_load ();
  info = nm_vpn_plugin_info_list_find_by_service (infos, SERVICE);
  host.plugin = info ? nm_vpn_plugin_info_load_editor_plugin (info, &error) : NULL;
  if (!host.plugin)
    g_error ("no plugin: %s", error ? error->message : "no such service");
  host.context = g_main_context_default ();
  host.loop = g_main_loop_new (NULL, FALSE);
  server = g_strdup_printf ("/proc/%s/schedstat", g_getenv ("SCOPE_X_SERVER"));
  host.schedstat[0] = open ("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
  host.schedstat[1] = open (server, O_RDONLY | O_CLOEXEC);
  host.waited = waited (&host);
  tick = g_timeout_add_full (G_PRIORITY_HIGH, 5, on_tick, &host, NULL);
  g_io_channel_set_encoding (input, NULL, NULL);
  g_io_add_watch (input, G_IO_IN | G_IO_HUP, on_line, &host);
  do_new (&host, NULL);
  g_main_loop_run (host.loop);
  do_close (&host, NULL);
  g_source_remove (tick);
  g_clear_object (&host.connection);
  g_main_loop_unref (host.loop);
  g_slist_free_full (infos, g_object_unref);
  close (host.schedstat[0]);
  close (host.schedstat[1]);
  return 0;
}

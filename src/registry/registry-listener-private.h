/* SPDX-License-Identifier: GPL-3.0-or-later */
/* registry-listener-private: between registry-listener.c and registry-connection.c. */
#pragma once

#include "registry/registry-listener.h"

struct _RegistryListener {
  grefcount refs; /* connections hold one: they may outlive the server */
  RegistryAccounts *accounts;
  const RegistryConfig *config;
  RegistryAcceptFunc func;
  RegistryReleaseFunc release;
  gpointer user_data;

  GSocket *socket;
  GSocketAddress *address;
  GSource *source;
  GSource *resume;
  GTlsCertificate *certificate;
  guint max;
  guint refused;
  guint sweep_id;
  guint quiet_id;

  GQueue connections; /* that have a time limit */
  guint size;
};

struct _RegistryConnection {
  grefcount refs;
  RegistryListener *listener;
  GSocket *socket;
  ScopePrefix peer;
  gboolean tls;
  RegistryConnectionState state;
  gint64 deadline;
  gpointer owner;
  guint closed; /* sweeps that have seen it closed by the client */
  GList link;
};

/* A connection hangs on its remote address as data of this name. */
GQuark registry_connection_quark (void);

/* Its streams belong to the SoupServer, which sees the end and tidies up. */
void registry_connection_cut (RegistryConnection *connection);
gboolean registry_connection_is_closed (RegistryConnection *connection);

void registry_listener_unref (RegistryListener *listener);

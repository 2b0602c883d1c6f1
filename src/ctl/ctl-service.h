/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ctl-service: the running services of this machine, one for each connection that is up, over the system bus. */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

/**
 * CtlService:
 * @status: what it says of itself: see scope_describe()
 */
typedef struct {
  GDBusConnection *bus;
  char *name;
  JsonObject *status;
} CtlService;

void ctl_service_free (CtlService *service);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtlService, ctl_service_free)

/**
 * ctl_services_find:
 * @network: (nullable): its local name; NULL for all
 * @error: SCOPE_ERROR_FAILED without a bus, SCOPE_ERROR_DENIED when those that are up are not this user's,
 *   SCOPE_ERROR_GONE when none is up
 *
 * Returns: (transfer full) (element-type CtlService): at least one
 */
GPtrArray *ctl_services_find (const char *network, GError **error);

/* Asks for its status anew. SCOPE_ERROR_GONE: the connection went down */
gboolean ctl_service_refresh (CtlService *service, GError **error);

/* Calls @func when a service says that its state is another one, or comes or goes; for as long as the bus is there. */
void ctl_services_watch (GDBusConnection *bus, void (*func) (gpointer data), gpointer data);

/* Calls a method of the service that changes something: root may; the answer, or NULL. */
GVariant *ctl_service_call (const CtlService *service, const char *method, GVariant *arguments, GError **error);

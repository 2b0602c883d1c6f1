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
 * @error: SCOPE_ERROR_FAILED without a bus, SCOPE_ERROR_DENIED for who may not ask, SCOPE_ERROR_GONE when none is up
 *
 * Returns: (transfer full) (element-type CtlService): at least one
 */
GPtrArray *ctl_services_find (const char *network, GError **error);

/* Calls a method of the service; the answer, or NULL. */
GVariant *ctl_service_call (const CtlService *service, const char *method, GVariant *arguments, GError **error);

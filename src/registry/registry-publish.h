/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * registry-publish: what sessions are told of a network: events to those that know the roster, the roster
 * since their revision, frame by frame as they read it, to those that do not yet, or do not any more. A frame
 * is made once for all. What is not stored is not told: call it after the commit.
 */
#pragma once

#include "registry/registry-mesh.h"

/* All that has changed since the last time. */
void registry_publish (RegistryMesh *mesh, gint64 now);

/* To all whose hello was good. @text: a frame's */
void registry_publish_to_all (RegistryMesh *mesh, const char *text);

GBytes *registry_publish_welcome (RegistryMesh *mesh, const RegistryMember *member, const char *const *stun,
                                  gint64 now);

/**
 * RegistryCursor:
 * @since: what the reader has; 0 for nothing
 * @at: it has got the members that changed up to here
 * @gone: it has got those who are gone up to here
 */
typedef struct {
  guint64 since;
  guint64 at;
  guint64 gone;
} RegistryCursor;

/* @generation: (nullable), @since: what a reader says that it has */
RegistryCursor registry_publish_begin (const RegistryMesh *mesh, const char *generation, guint64 since);

/* The next frame of a roster. @more: (out): whether that was not the last one */
GBytes *registry_publish_roster (RegistryMesh *mesh, RegistryCursor *cursor, gboolean *more);

/* A member's entry, as it stands in a roster. */
gboolean registry_publish_entry (const RegistryMesh *mesh, const RegistryMember *member, GString *out);

/* The answer to a scope-query: a whole roster's data, how far the epoch is, whether the network is switched off, paths. */
GBytes *registry_publish_query (const RegistryMesh *mesh);

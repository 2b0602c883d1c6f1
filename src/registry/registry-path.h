/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * registry-path: what a request's path asks for. Paths come as they were sent, since a key may
 * contain "/": decoding first, or splitting at every slash, would lose it.
 */
#pragma once

#include <glib.h>

typedef enum {
  REGISTRY_PATH_UNKNOWN,
  REGISTRY_PATH_NETWORKS, /* /networks */
  REGISTRY_PATH_MESSAGES, /* /messages */
  REGISTRY_PATH_GET,      /* /get/<network>/<key> */
  REGISTRY_PATH_UPDATE,   /* /update/<network>/<key>, and /update/<key>: see @rest */
  REGISTRY_PATH_DETAIL,   /* /detail/<network>/<key> */
  REGISTRY_PATH_V1,       /* /v1/<network> */
} RegistryPathKind;

/**
 * RegistryPath:
 * @network: (nullable): the segment after the first, decoded
 * @key: (nullable): everything after that, decoded, slashes and all
 * @rest: (nullable): everything after the first segment, decoded
 */
typedef struct {
  RegistryPathKind kind;
  char *network;
  char *key;
  char *rest;
} RegistryPath;

#define REGISTRY_PATH_MAX 1024

/**
 * registry_path_parse:
 * @path: (out): the result; clear it with registry_path_clear()
 * @raw: percent-encoded path of the request
 * @prefix: stripped when it is there (a proxy may have stripped it already)
 */
void registry_path_parse (RegistryPath *path, const char *raw, const char *prefix);

void registry_path_clear (RegistryPath *path);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (RegistryPath, registry_path_clear)

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "crypto/scope-link-address.h"

#include "crypto/scope-openssl.h"

#include <string.h>

#define LABEL "scope link v1"

void
scope_link_address (const ScopeKey *key, ScopePrefix *out)
{
  guint8 input[sizeof LABEL + SCOPE_KEY_LEN], digest[32]; /* the label with its NUL: the zero byte */

  memcpy (input, LABEL, sizeof LABEL);
  memcpy (input + sizeof LABEL, key->bytes, SCOPE_KEY_LEN);
  scope_openssl_sha3_256 (input, sizeof input, digest);

  *out = (ScopePrefix){ .family = AF_INET6, .len = 128, .addr = { 0xfe, 0x80 } };
  memcpy (out->addr + 8, digest, 8);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kex-fake.h"

#include "common/scope-error.h"

#include <string.h>

static guint64 state = 1;

/* splitmix64 */
guint64
kex_fake_random (guint64 *s)
{
  guint64 z = *s += G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);

  z = (z ^ z >> 30) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * G_GUINT64_CONSTANT (0x94d049bb133111eb);
  return z ^ z >> 31;
}

void
kex_fake_seed (guint64 seed)
{
  state = seed;
}

static guint64
mix (guint64 a, guint64 b)
{
  guint64 s = a * 31 + b;

  return kex_fake_random (&s);
}

static guint64
word (const guint8 *bytes)
{
  guint64 w;

  memcpy (&w, bytes, sizeof w);
  return w;
}

static gboolean
fake_generate (guint8 *secret, guint8 *pub, GError **error)
{
  guint64 s = kex_fake_random (&state), p = mix (s, 1);

  memcpy (secret, &s, sizeof s);
  memcpy (pub, &p, sizeof p);
  return TRUE;
}

static void
derive (guint64 pub, const guint8 *ct, const ScopeKemContext *context, ScopeKemKeys *keys)
{
  guint64 w = mix (mix (pub, word (ct)), mix (context->epoch, g_str_hash (context->network)));

  w = mix (w, mix (word (context->encapsulator.bytes), word (context->decapsulator.bytes)));
  for (guint i = 0; i < 3; i++)
    {
      guint64 p = mix (w, i), c = mix (w, 10 + i);
      memcpy (keys->preshared.bytes + 8 * i, &p, sizeof p);
      memcpy (keys->confirm + 8 * i, &c, sizeof c);
    }
  memcpy (keys->preshared.bytes + 24, &context->epoch, 8);
  memset (keys->confirm + 24, 7, 8);
}

static gboolean
fake_encapsulate (const guint8 *pub, const ScopeKemContext *context, guint8 *ct, ScopeKemKeys *keys, GError **error)
{
  guint64 r = kex_fake_random (&state), bound = mix (word (pub), r);

  if (word (pub) == 0)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, "all zero");
      return FALSE;
    }
  memcpy (ct, &r, sizeof r);
  memcpy (ct + 8, &bound, sizeof bound);
  derive (word (pub), ct, context, keys);
  return TRUE;
}

static gboolean
fake_decapsulate (const guint8 *secret, const ScopeKemContext *context, const guint8 *ct, ScopeKemKeys *keys,
                  GError **error)
{
  guint64 pub = mix (word (secret), 1);

  if (word (ct + 8) != mix (pub, word (ct)))
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, "not a ciphertext for this key");
      return FALSE;
    }
  derive (pub, ct, context, keys);
  return TRUE;
}

static void
spread (guint64 w, guint8 *out)
{
  for (guint i = 0; i < 4; i++)
    {
      guint64 v = mix (w, i);
      memcpy (out + 8 * i, &v, sizeof v);
    }
}

static void
fake_confirm (const ScopeKemKeys *keys, const char *message, guint8 *mac)
{
  guint64 h = word (keys->confirm);
  gsize len = strlen (message), i;

  for (i = 0; i + 8 <= len; i += 8)
    h = (h ^ word ((const guint8 *) message + i)) * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15), h ^= h >> 29;
  for (; i < len; i++)
    h = (h ^ (guint8) message[i]) * G_GUINT64_CONSTANT (0x100000001b3);
  spread (h, mac);
}

/* Of the first bytes: the others of a fake thing are zero. */
static void
fake_digest (GBytes *bytes, guint8 *digest)
{
  const guint8 *data = g_bytes_get_data (bytes, NULL);

  spread (mix (word (data), word (data + 8)), digest);
}

const ScopeKexOps kex_fake_ops = {
  .generate = fake_generate,
  .encapsulate = fake_encapsulate,
  .decapsulate = fake_decapsulate,
  .confirm = fake_confirm,
  .digest = fake_digest,
};

guint64
kex_fake_epoch (const ScopeKey *preshared)
{
  return word (preshared->bytes + 24);
}

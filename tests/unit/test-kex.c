/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kex-fake.h"
int
main (void)
{
  return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Marks texts that people read; xgettext finds them by these names. */

#pragma once

#include <libintl.h>

/* The text in the caller's language. */
#define _(text) gettext(text)
/* For tables, whose texts are translated when they are shown. */
#define N_(text) (text)

/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Marks of texts that people read, as in client/translate.h. berth-generator runs before there is a
 * locale, and prints them as they are; dist translates them. */

#pragma once

#include <libintl.h>

#define _(text) gettext(text)
#define N_(text) (text)

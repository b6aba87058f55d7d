/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Marks texts that people read, as client/translate.h does. berth-generator runs before there is a
 * locale and prints them untranslated; dist translates them.
 */

#pragma once

#include <libintl.h>

#define _(text) gettext(text)
#define N_(text) (text)

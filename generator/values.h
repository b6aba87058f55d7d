/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Values that dist or the service would refuse when the unit starts, by the option that they
 * become. The parsers are those of dist and of the service.
 */

#pragma once

/* What the option takes, for a message, if the value is wrong; otherwise NULL. A value with a
 * specifier or a variable is known only to systemd, and counts as right. */
const char *berth_value_get_wanted(const char *option, const char *value);

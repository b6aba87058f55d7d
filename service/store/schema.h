/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The schema of berth.db. */

#pragma once

/* Statements, each of which upgrades the schema by one version. */
extern const char *const berth_schemas[];
extern const int berth_schema_version; /* number of these statements */

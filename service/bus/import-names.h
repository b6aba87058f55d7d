/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Asks polkit about the names in an archive, which become known only while the archive is read,
 * after the call of Images.Import has been answered. The question is about the caller that sent
 * it.
 */

#pragma once

#include "bus/service.h"
#include "images/import.h"

/* Creates an asker for a call that may already have been answered. The caller must still be on the
 * bus when polkit is asked. */
BerthNameAsker *berth_import_names_new(BerthService *service, sd_bus_message *call);

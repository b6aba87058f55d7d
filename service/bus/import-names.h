/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Asks polkit for the names that an archive holds, which are known only once it is read: after the
 * call of Images.Import has been answered, of the caller that sent it. */

#pragma once

#include "bus/service.h"
#include "images/import.h"

/* For a call that may have been answered. The caller must still be on the bus when it is asked. */
BerthNameAsker *berth_import_names_new(BerthService *service, sd_bus_message *call);

/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Keeps a running container paused while its files are read, and resumes it afterwards, even if the
 * service dies meanwhile. Several readers may share one pause.
 */

#pragma once

#include "containers/core/part.h"

extern const BerthPart berth_still_part;

/* One reader. */
typedef struct BerthStill BerthStill;

/* Pauses the container. ready is called once, possibly before this returns: without an error when
 * it is paused. It must not free the reader. Others may resume the container, which its changes
 * tell (object.h). */
BerthStill *berth_still_new(BerthContainer *container, BerthContainerDone ready, void *userdata);
/* ready is not called any more. The last reader resumes the container. NULL is allowed. */
void berth_still_free(BerthStill *still);

/* Whether it is paused only for readers. */
bool berth_container_is_held_still(const BerthContainer *container);

/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Containers and their processes in berth.db. */

#pragma once

#include "store/container-record.h"
#include "store/event-store.h"

/* Writes the whole record and, in the same transaction, an event of this kind (NULL: none), whose
 * sequence is returned in *sequence. */
bool berth_container_store_put(BerthDatabase *database, const BerthContainerRecord *record,
                               const char *kind, uint64_t *sequence, GError **error);
/* Deletes the rows of the container and of its processes, and adds the event "delete" in the same
 * transaction. */
bool berth_container_store_delete(BerthDatabase *database, const BerthContainerRecord *record,
                                  uint64_t *sequence, GError **error);
/* Like berth_container_store_put, for a process, with an event of its container. */
bool berth_container_store_put_process(BerthDatabase *database, const BerthProcessRecord *process,
                                       uint32_t owner, const char *kind, uint64_t *sequence,
                                       GError **error);
/* Deletes the row of a process; succeeds if there is none. */
bool berth_container_store_delete_process(BerthDatabase *database, const char *container,
                                          const char *id, GError **error);
/* Returns the BerthProcessRecords of all containers. */
GPtrArray *berth_container_store_list_processes(BerthDatabase *database, GError **error);
/* Stores the same record, with its processes and labels, under another ID; recorded as a deletion
 * and a creation. */
bool berth_container_store_rename(BerthDatabase *database, const BerthContainerRecord *record,
                                  const char *id, uint64_t *deleted, uint64_t *created,
                                  GError **error);
/* Adds an event that changes no record. */
bool berth_container_store_add_event(BerthDatabase *database, const BerthContainerRecord *record,
                                     const char *kind, uint64_t *sequence, GError **error);
/* Returns BerthContainerRecords. */
GPtrArray *berth_container_store_list(BerthDatabase *database, GError **error);

/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A worker as berthd sees it: a child process that serves calls over a private bus. It is killed
 * when it is freed, which is also how its work is cancelled; a worker that dies on its own fails
 * the calls that wait for it, and nothing else.
 */

#pragma once

#include "base/bus-error.h"
#include "base/worker-members.h"
#include "worker/worker-template.h"

#include <sys/types.h>
#include <systemd/sd-event.h>

typedef struct BerthWorker BerthWorker;

/* Called once with the reply, or with error set; reply is then NULL. Never called after the worker
 * was freed. */
typedef void (*BerthWorkerReply)(sd_bus_message *reply, const GError *error, void *userdata);

/* Starts libexecdir/berth-KIND. directory (or -1) becomes the file system of a worker that works in
 * one; it is duplicated. */
BerthWorker *berth_worker_new(sd_event *event, const char *kind, int directory, GError **error);

/* The same for a directory (or, -1, descriptors that come later) of a user's. Its file system may
 * be a program of the user's and keep the worker from ending: LimitExceeded if too many such
 * workers of the user are left. The worker learns the user's id: berth-unpack takes that user's
 * ids, and no more rights than the user has. */
BerthWorker *berth_worker_new_for_user(sd_event *event, const char *kind, int directory, uid_t uid,
                                       GError **error);
/* The same as berth_worker_new(), cloned from a template of that kind if it can be. */
BerthWorker *berth_worker_new_from_template(sd_event *event, const char *kind,
                                            BerthWorkerTemplate *template, int directory,
                                            GError **error);
void berth_worker_free(BerthWorker *worker);

/* For the stubs of worker/calls.h, through which all calls go. */
#define BERTH_WORKER_MEMBER_CONSTANT(constant, handler, name, call, reply) constant,
typedef enum {
    // clang-format off
    BERTH_ARCHIVE_MEMBERS(BERTH_WORKER_MEMBER_CONSTANT)
    BERTH_FETCH_MEMBERS(BERTH_WORKER_MEMBER_CONSTANT)
    BERTH_INGEST_MEMBERS(BERTH_WORKER_MEMBER_CONSTANT)
    BERTH_INSPECT_MEMBERS(BERTH_WORKER_MEMBER_CONSTANT)
    BERTH_JOURNAL_MEMBERS(BERTH_WORKER_MEMBER_CONSTANT)
    BERTH_SCREEN_MEMBERS(BERTH_WORKER_MEMBER_CONSTANT)
    BERTH_UNPACK_MEMBERS(BERTH_WORKER_MEMBER_CONSTANT)
    // clang-format on
} BerthWorkerMember;

/* The signature of the member's call. */
const char *berth_worker_member_get_signature(BerthWorkerMember member);

/* A call to be filled and sent; NULL only without memory or after the worker's death. */
sd_bus_message *berth_worker_new_call(BerthWorker *worker, BerthWorkerMember member);

/* Sends call, which it takes over; NULL is one that could not be filled. What fails at once is
 * reported through reply as well, later. */
void berth_worker_send(BerthWorker *worker, BerthWorkerMember member, sd_bus_message *call,
                       BerthWorkerReply reply, void *userdata);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthWorker, berth_worker_free)

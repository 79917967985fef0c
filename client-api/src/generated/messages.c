/* SPDX-License-Identifier: Apache-2.0 */
/* Made from client-api/protocol/src/messages.ts by `npm run generate`; do not edit. */

#include "messages.h"

static const mlp_member mlp_pilot_hello_running_members[] = {
    {MLP_KIND_U64, 0, offsetof(mlp_pilot_hello_running, lease), 0, NULL},
    {MLP_KIND_U32, 0, offsetof(mlp_pilot_hello_running, simulation), 0, NULL},
    {MLP_KIND_U16, 0, offsetof(mlp_pilot_hello_running, draw), 0, NULL},
    {MLP_KIND_U16, 0, offsetof(mlp_pilot_hello_running, attempt), 0, NULL},
};
static const mlp_shape mlp_pilot_hello_running_shape = {"PilotHello.running", 0, sizeof(mlp_pilot_hello_running), mlp_pilot_hello_running_members, 4};
static const mlp_member mlp_pilot_hello_members[] = {
    {MLP_KIND_STRING, 0, offsetof(mlp_pilot_hello, token), 0, NULL},
    {MLP_KIND_STRING, 0, offsetof(mlp_pilot_hello, pilot), 0, NULL},
    {MLP_KIND_U64, 0, offsetof(mlp_pilot_hello, instance), 0, NULL},
    {MLP_KIND_STRING, 0, offsetof(mlp_pilot_hello, host), 0, NULL},
    {MLP_KIND_U32, 0, offsetof(mlp_pilot_hello, process_id), 0, NULL},
    {MLP_KIND_U16, 0, offsetof(mlp_pilot_hello, slots), 0, NULL},
    {MLP_KIND_RECORD, 1, offsetof(mlp_pilot_hello, running), offsetof(mlp_pilot_hello, running_count), &mlp_pilot_hello_running_shape},
};
const mlp_shape mlp_pilot_hello_shape = {"PilotHello", 1, sizeof(mlp_pilot_hello), mlp_pilot_hello_members, 7};

static const mlp_member mlp_pilot_welcome_environment_members[] = {
    {MLP_KIND_STRING, 0, offsetof(mlp_pilot_welcome_environment, name), 0, NULL},
    {MLP_KIND_STRING, 0, offsetof(mlp_pilot_welcome_environment, value), 0, NULL},
};
static const mlp_shape mlp_pilot_welcome_environment_shape = {"PilotWelcome.environment", 0, sizeof(mlp_pilot_welcome_environment), mlp_pilot_welcome_environment_members, 2};
static const mlp_member mlp_pilot_welcome_files_members[] = {
    {MLP_KIND_STRING, 0, offsetof(mlp_pilot_welcome_files, path), 0, NULL},
    {MLP_KIND_BYTES, 0, offsetof(mlp_pilot_welcome_files, content), 0, NULL},
};
static const mlp_shape mlp_pilot_welcome_files_shape = {"PilotWelcome.files", 0, sizeof(mlp_pilot_welcome_files), mlp_pilot_welcome_files_members, 2};
static const mlp_member mlp_pilot_welcome_outputs_members[] = {
    {MLP_KIND_STRING, 0, offsetof(mlp_pilot_welcome_outputs, field), 0, NULL},
    {MLP_KIND_U8, 0, offsetof(mlp_pilot_welcome_outputs, kind), 0, NULL},
    {MLP_KIND_STRING, 0, offsetof(mlp_pilot_welcome_outputs, path), 0, NULL},
    {MLP_KIND_U64, 0, offsetof(mlp_pilot_welcome_outputs, cells), 0, NULL},
    {MLP_KIND_U8, 0, offsetof(mlp_pilot_welcome_outputs, dtype), 0, NULL},
    {MLP_KIND_U32, 0, offsetof(mlp_pilot_welcome_outputs, steps), 0, NULL},
};
static const mlp_shape mlp_pilot_welcome_outputs_shape = {"PilotWelcome.outputs", 0, sizeof(mlp_pilot_welcome_outputs), mlp_pilot_welcome_outputs_members, 6};
static const mlp_member mlp_pilot_welcome_members[] = {
    {MLP_KIND_STRING, 0, offsetof(mlp_pilot_welcome, study), 0, NULL},
    {MLP_KIND_U32, 0, offsetof(mlp_pilot_welcome, heartbeat_ms), 0, NULL},
    {MLP_KIND_U32, 0, offsetof(mlp_pilot_welcome, silence_ms), 0, NULL},
    {MLP_KIND_STRING, 1, offsetof(mlp_pilot_welcome, parameter_names), offsetof(mlp_pilot_welcome, parameter_names_count), NULL},
    {MLP_KIND_STRING, 1, offsetof(mlp_pilot_welcome, command), offsetof(mlp_pilot_welcome, command_count), NULL},
    {MLP_KIND_STRING, 1, offsetof(mlp_pilot_welcome, launcher), offsetof(mlp_pilot_welcome, launcher_count), NULL},
    {MLP_KIND_STRING, 1, offsetof(mlp_pilot_welcome, preprocessing), offsetof(mlp_pilot_welcome, preprocessing_count), NULL},
    {MLP_KIND_RECORD, 1, offsetof(mlp_pilot_welcome, environment), offsetof(mlp_pilot_welcome, environment_count), &mlp_pilot_welcome_environment_shape},
    {MLP_KIND_RECORD, 1, offsetof(mlp_pilot_welcome, files), offsetof(mlp_pilot_welcome, files_count), &mlp_pilot_welcome_files_shape},
    {MLP_KIND_RECORD, 1, offsetof(mlp_pilot_welcome, outputs), offsetof(mlp_pilot_welcome, outputs_count), &mlp_pilot_welcome_outputs_shape},
    {MLP_KIND_U32, 0, offsetof(mlp_pilot_welcome, ranks), 0, NULL},
    {MLP_KIND_U8, 0, offsetof(mlp_pilot_welcome, loop), 0, NULL},
    {MLP_KIND_U8, 0, offsetof(mlp_pilot_welcome, work_directory), 0, NULL},
    {MLP_KIND_U8, 0, offsetof(mlp_pilot_welcome, keep_work_directory), 0, NULL},
    {MLP_KIND_STRING, 0, offsetof(mlp_pilot_welcome, work_root), 0, NULL},
    {MLP_KIND_U32, 0, offsetof(mlp_pilot_welcome, output_bytes_max), 0, NULL},
    {MLP_KIND_F64, 0, offsetof(mlp_pilot_welcome, drain_seconds), 0, NULL},
    {MLP_KIND_U64, 0, offsetof(mlp_pilot_welcome, seed), 0, NULL},
};
const mlp_shape mlp_pilot_welcome_shape = {"PilotWelcome", 2, sizeof(mlp_pilot_welcome), mlp_pilot_welcome_members, 18};

static const mlp_member mlp_lease_leases_members[] = {
    {MLP_KIND_U64, 0, offsetof(mlp_lease_leases, lease), 0, NULL},
    {MLP_KIND_U32, 0, offsetof(mlp_lease_leases, simulation), 0, NULL},
    {MLP_KIND_U16, 0, offsetof(mlp_lease_leases, draw), 0, NULL},
    {MLP_KIND_U16, 0, offsetof(mlp_lease_leases, attempt), 0, NULL},
    {MLP_KIND_U32, 0, offsetof(mlp_lease_leases, group), 0, NULL},
    {MLP_KIND_U16, 0, offsetof(mlp_lease_leases, member), 0, NULL},
    {MLP_KIND_U32, 0, offsetof(mlp_lease_leases, first_step), 0, NULL},
    {MLP_KIND_U32, 0, offsetof(mlp_lease_leases, timeout_ms), 0, NULL},
    {MLP_KIND_STRING, 0, offsetof(mlp_lease_leases, values), 0, NULL},
};
static const mlp_shape mlp_lease_leases_shape = {"Lease.leases", 0, sizeof(mlp_lease_leases), mlp_lease_leases_members, 9};
static const mlp_member mlp_lease_members[] = {
    {MLP_KIND_RECORD, 1, offsetof(mlp_lease, leases), offsetof(mlp_lease, leases_count), &mlp_lease_leases_shape},
};
const mlp_shape mlp_lease_shape = {"Lease", 3, sizeof(mlp_lease), mlp_lease_members, 1};

static const mlp_member mlp_started_members[] = {
    {MLP_KIND_U64, 0, offsetof(mlp_started, lease), 0, NULL},
    {MLP_KIND_U32, 0, offsetof(mlp_started, process_id), 0, NULL},
};
const mlp_shape mlp_started_shape = {"Started", 4, sizeof(mlp_started), mlp_started_members, 2};

static const mlp_member mlp_ended_members[] = {
    {MLP_KIND_U64, 0, offsetof(mlp_ended, lease), 0, NULL},
    {MLP_KIND_U32, 0, offsetof(mlp_ended, simulation), 0, NULL},
    {MLP_KIND_U16, 0, offsetof(mlp_ended, draw), 0, NULL},
    {MLP_KIND_U16, 0, offsetof(mlp_ended, attempt), 0, NULL},
    {MLP_KIND_U8, 0, offsetof(mlp_ended, outcome), 0, NULL},
    {MLP_KIND_I32, 0, offsetof(mlp_ended, exit_code), 0, NULL},
    {MLP_KIND_STRING, 0, offsetof(mlp_ended, reason), 0, NULL},
    {MLP_KIND_F64, 0, offsetof(mlp_ended, wall_seconds), 0, NULL},
    {MLP_KIND_F64, 0, offsetof(mlp_ended, cpu_seconds), 0, NULL},
    {MLP_KIND_U64, 0, offsetof(mlp_ended, peak_rss_bytes), 0, NULL},
    {MLP_KIND_U32, 0, offsetof(mlp_ended, descendants_ended), 0, NULL},
    {MLP_KIND_U64, 0, offsetof(mlp_ended, output_bytes), 0, NULL},
    {MLP_KIND_BYTES, 0, offsetof(mlp_ended, stdout), 0, NULL},
    {MLP_KIND_BYTES, 0, offsetof(mlp_ended, stderr), 0, NULL},
};
const mlp_shape mlp_ended_shape = {"Ended", 5, sizeof(mlp_ended), mlp_ended_members, 14};

static const mlp_member mlp_pilot_heartbeat_members[] = {
    {MLP_KIND_U64, 1, offsetof(mlp_pilot_heartbeat, running), offsetof(mlp_pilot_heartbeat, running_count), NULL},
    {MLP_KIND_U64, 1, offsetof(mlp_pilot_heartbeat, waiting), offsetof(mlp_pilot_heartbeat, waiting_count), NULL},
};
const mlp_shape mlp_pilot_heartbeat_shape = {"PilotHeartbeat", 6, sizeof(mlp_pilot_heartbeat), mlp_pilot_heartbeat_members, 2};

static const mlp_member mlp_draining_members[] = {
    {MLP_KIND_STRING, 0, offsetof(mlp_draining, reason), 0, NULL},
};
const mlp_shape mlp_draining_shape = {"Draining", 7, sizeof(mlp_draining), mlp_draining_members, 1};

static const mlp_member mlp_stop_leases_members[] = {
    {MLP_KIND_U64, 1, offsetof(mlp_stop_leases, leases), offsetof(mlp_stop_leases, leases_count), NULL},
    {MLP_KIND_STRING, 0, offsetof(mlp_stop_leases, reason), 0, NULL},
};
const mlp_shape mlp_stop_leases_shape = {"StopLeases", 8, sizeof(mlp_stop_leases), mlp_stop_leases_members, 2};

static const mlp_member mlp_dismiss_members[] = {
    {MLP_KIND_U8, 0, offsetof(mlp_dismiss, drain), 0, NULL},
    {MLP_KIND_U8, 0, offsetof(mlp_dismiss, plan_finished), 0, NULL},
    {MLP_KIND_STRING, 0, offsetof(mlp_dismiss, reason), 0, NULL},
};
const mlp_shape mlp_dismiss_shape = {"Dismiss", 9, sizeof(mlp_dismiss), mlp_dismiss_members, 3};

static const mlp_member mlp_head_heartbeat_members[] = {
    {MLP_KIND_U8, 0, offsetof(mlp_head_heartbeat, plan_finished), 0, NULL},
};
const mlp_shape mlp_head_heartbeat_shape = {"HeadHeartbeat", 10, sizeof(mlp_head_heartbeat), mlp_head_heartbeat_members, 1};

const mlp_shape mlp_ok_shape = {"Ok", 11, sizeof(mlp_ok), NULL, 0};

static const mlp_member mlp_refused_members[] = {
    {MLP_KIND_STRING, 0, offsetof(mlp_refused, code), 0, NULL},
    {MLP_KIND_STRING, 0, offsetof(mlp_refused, message), 0, NULL},
    {MLP_KIND_STRING, 0, offsetof(mlp_refused, remedy), 0, NULL},
    {MLP_KIND_U32, 0, offsetof(mlp_refused, retry_after_ms), 0, NULL},
};
const mlp_shape mlp_refused_shape = {"Refused", 12, sizeof(mlp_refused), mlp_refused_members, 4};

static const mlp_member mlp_client_hello_members[] = {
    {MLP_KIND_STRING, 0, offsetof(mlp_client_hello, token), 0, NULL},
    {MLP_KIND_U64, 0, offsetof(mlp_client_hello, client), 0, NULL},
    {MLP_KIND_STRING, 0, offsetof(mlp_client_hello, library), 0, NULL},
    {MLP_KIND_STRING, 0, offsetof(mlp_client_hello, host), 0, NULL},
    {MLP_KIND_U32, 0, offsetof(mlp_client_hello, simulation), 0, NULL},
    {MLP_KIND_U16, 0, offsetof(mlp_client_hello, draw), 0, NULL},
    {MLP_KIND_U16, 0, offsetof(mlp_client_hello, attempt), 0, NULL},
    {MLP_KIND_U32, 0, offsetof(mlp_client_hello, ranks), 0, NULL},
};
const mlp_shape mlp_client_hello_shape = {"ClientHello", 20, sizeof(mlp_client_hello), mlp_client_hello_members, 8};

static const mlp_member mlp_client_welcome_server_ranks_members[] = {
    {MLP_KIND_STRING, 0, offsetof(mlp_client_welcome_server_ranks, endpoint), 0, NULL},
    {MLP_KIND_STRING, 0, offsetof(mlp_client_welcome_server_ranks, server_key), 0, NULL},
    {MLP_KIND_STRING, 0, offsetof(mlp_client_welcome_server_ranks, host), 0, NULL},
};
static const mlp_shape mlp_client_welcome_server_ranks_shape = {"ClientWelcome.serverRanks", 0, sizeof(mlp_client_welcome_server_ranks), mlp_client_welcome_server_ranks_members, 3};
static const mlp_member mlp_client_welcome_fields_members[] = {
    {MLP_KIND_STRING, 0, offsetof(mlp_client_welcome_fields, name), 0, NULL},
    {MLP_KIND_U16, 0, offsetof(mlp_client_welcome_fields, index), 0, NULL},
    {MLP_KIND_U8, 0, offsetof(mlp_client_welcome_fields, dtype), 0, NULL},
    {MLP_KIND_U64, 0, offsetof(mlp_client_welcome_fields, cells), 0, NULL},
    {MLP_KIND_U32, 0, offsetof(mlp_client_welcome_fields, steps), 0, NULL},
};
static const mlp_shape mlp_client_welcome_fields_shape = {"ClientWelcome.fields", 0, sizeof(mlp_client_welcome_fields), mlp_client_welcome_fields_members, 5};
static const mlp_member mlp_client_welcome_members[] = {
    {MLP_KIND_STRING, 0, offsetof(mlp_client_welcome, study), 0, NULL},
    {MLP_KIND_RECORD, 1, offsetof(mlp_client_welcome, server_ranks), offsetof(mlp_client_welcome, server_ranks_count), &mlp_client_welcome_server_ranks_shape},
    {MLP_KIND_U32, 0, offsetof(mlp_client_welcome, first_step), 0, NULL},
    {MLP_KIND_U8, 0, offsetof(mlp_client_welcome, non_finite), 0, NULL},
    {MLP_KIND_U64, 0, offsetof(mlp_client_welcome, send_window_bytes), 0, NULL},
    {MLP_KIND_U32, 0, offsetof(mlp_client_welcome, send_timeout_ms), 0, NULL},
    {MLP_KIND_U32, 0, offsetof(mlp_client_welcome, heartbeat_ms), 0, NULL},
    {MLP_KIND_RECORD, 1, offsetof(mlp_client_welcome, fields), offsetof(mlp_client_welcome, fields_count), &mlp_client_welcome_fields_shape},
};
const mlp_shape mlp_client_welcome_shape = {"ClientWelcome", 21, sizeof(mlp_client_welcome), mlp_client_welcome_members, 8};

static const mlp_member mlp_field_members[] = {
    {MLP_KIND_U32, 0, offsetof(mlp_field, simulation), 0, NULL},
    {MLP_KIND_U64, 0, offsetof(mlp_field, client), 0, NULL},
    {MLP_KIND_STRING, 0, offsetof(mlp_field, name), 0, NULL},
    {MLP_KIND_U8, 0, offsetof(mlp_field, dtype), 0, NULL},
    {MLP_KIND_U64, 1, offsetof(mlp_field, cells), offsetof(mlp_field, cells_count), NULL},
};
const mlp_shape mlp_field_shape = {"Field", 22, sizeof(mlp_field), mlp_field_members, 5};

static const mlp_member mlp_field_layout_regions_members[] = {
    {MLP_KIND_U64, 0, offsetof(mlp_field_layout_regions, begin), 0, NULL},
    {MLP_KIND_U64, 0, offsetof(mlp_field_layout_regions, end), 0, NULL},
};
static const mlp_shape mlp_field_layout_regions_shape = {"FieldLayout.regions", 0, sizeof(mlp_field_layout_regions), mlp_field_layout_regions_members, 2};
static const mlp_member mlp_field_layout_steps_members[] = {
    {MLP_KIND_U32, 0, offsetof(mlp_field_layout_steps, begin), 0, NULL},
    {MLP_KIND_U32, 0, offsetof(mlp_field_layout_steps, end), 0, NULL},
    {MLP_KIND_U32, 0, offsetof(mlp_field_layout_steps, stride), 0, NULL},
};
static const mlp_shape mlp_field_layout_steps_shape = {"FieldLayout.steps", 0, sizeof(mlp_field_layout_steps), mlp_field_layout_steps_members, 3};
static const mlp_member mlp_field_layout_members[] = {
    {MLP_KIND_U16, 0, offsetof(mlp_field_layout, index), 0, NULL},
    {MLP_KIND_RECORD, 1, offsetof(mlp_field_layout, regions), offsetof(mlp_field_layout, regions_count), &mlp_field_layout_regions_shape},
    {MLP_KIND_RECORD, 1, offsetof(mlp_field_layout, steps), offsetof(mlp_field_layout, steps_count), &mlp_field_layout_steps_shape},
    {MLP_KIND_U64, 1, offsetof(mlp_field_layout, partition), offsetof(mlp_field_layout, partition_count), NULL},
};
const mlp_shape mlp_field_layout_shape = {"FieldLayout", 23, sizeof(mlp_field_layout), mlp_field_layout_members, 4};

static const mlp_member mlp_client_bye_members[] = {
    {MLP_KIND_U32, 0, offsetof(mlp_client_bye, simulation), 0, NULL},
    {MLP_KIND_U64, 0, offsetof(mlp_client_bye, client), 0, NULL},
    {MLP_KIND_U64, 0, offsetof(mlp_client_bye, steps_sent), 0, NULL},
};
const mlp_shape mlp_client_bye_shape = {"ClientBye", 24, sizeof(mlp_client_bye), mlp_client_bye_members, 3};

static const mlp_member mlp_client_fault_members[] = {
    {MLP_KIND_U32, 0, offsetof(mlp_client_fault, simulation), 0, NULL},
    {MLP_KIND_U16, 0, offsetof(mlp_client_fault, draw), 0, NULL},
    {MLP_KIND_U16, 0, offsetof(mlp_client_fault, attempt), 0, NULL},
    {MLP_KIND_U64, 0, offsetof(mlp_client_fault, client), 0, NULL},
    {MLP_KIND_STRING, 0, offsetof(mlp_client_fault, code), 0, NULL},
    {MLP_KIND_STRING, 0, offsetof(mlp_client_fault, message), 0, NULL},
    {MLP_KIND_STRING, 0, offsetof(mlp_client_fault, field), 0, NULL},
    {MLP_KIND_U32, 0, offsetof(mlp_client_fault, step), 0, NULL},
    {MLP_KIND_U64, 0, offsetof(mlp_client_fault, cell), 0, NULL},
};
const mlp_shape mlp_client_fault_shape = {"ClientFault", 25, sizeof(mlp_client_fault), mlp_client_fault_members, 9};

static const mlp_member mlp_next_simulations_finished_members[] = {
    {MLP_KIND_U32, 0, offsetof(mlp_next_simulations_finished, simulation), 0, NULL},
    {MLP_KIND_U16, 0, offsetof(mlp_next_simulations_finished, draw), 0, NULL},
    {MLP_KIND_U16, 0, offsetof(mlp_next_simulations_finished, attempt), 0, NULL},
    {MLP_KIND_F64, 0, offsetof(mlp_next_simulations_finished, wall_seconds), 0, NULL},
};
static const mlp_shape mlp_next_simulations_finished_shape = {"NextSimulations.finished", 0, sizeof(mlp_next_simulations_finished), mlp_next_simulations_finished_members, 4};
static const mlp_member mlp_next_simulations_members[] = {
    {MLP_KIND_STRING, 0, offsetof(mlp_next_simulations, token), 0, NULL},
    {MLP_KIND_U64, 0, offsetof(mlp_next_simulations, client), 0, NULL},
    {MLP_KIND_STRING, 0, offsetof(mlp_next_simulations, library), 0, NULL},
    {MLP_KIND_STRING, 0, offsetof(mlp_next_simulations, host), 0, NULL},
    {MLP_KIND_STRING, 0, offsetof(mlp_next_simulations, pilot), 0, NULL},
    {MLP_KIND_U64, 0, offsetof(mlp_next_simulations, loop_lease), 0, NULL},
    {MLP_KIND_U32, 0, offsetof(mlp_next_simulations, ranks), 0, NULL},
    {MLP_KIND_U16, 0, offsetof(mlp_next_simulations, wanted), 0, NULL},
    {MLP_KIND_RECORD, 1, offsetof(mlp_next_simulations, finished), offsetof(mlp_next_simulations, finished_count), &mlp_next_simulations_finished_shape},
};
const mlp_shape mlp_next_simulations_shape = {"NextSimulations", 26, sizeof(mlp_next_simulations), mlp_next_simulations_members, 9};

static const mlp_member mlp_next_simulations_reply_simulations_members[] = {
    {MLP_KIND_U32, 0, offsetof(mlp_next_simulations_reply_simulations, simulation), 0, NULL},
    {MLP_KIND_U16, 0, offsetof(mlp_next_simulations_reply_simulations, draw), 0, NULL},
    {MLP_KIND_U16, 0, offsetof(mlp_next_simulations_reply_simulations, attempt), 0, NULL},
    {MLP_KIND_U32, 0, offsetof(mlp_next_simulations_reply_simulations, first_step), 0, NULL},
    {MLP_KIND_STRING, 0, offsetof(mlp_next_simulations_reply_simulations, values), 0, NULL},
};
static const mlp_shape mlp_next_simulations_reply_simulations_shape = {"NextSimulationsReply.simulations", 0, sizeof(mlp_next_simulations_reply_simulations), mlp_next_simulations_reply_simulations_members, 5};
static const mlp_member mlp_next_simulations_reply_members[] = {
    {MLP_KIND_U8, 0, offsetof(mlp_next_simulations_reply, terminated), 0, NULL},
    {MLP_KIND_STRING, 1, offsetof(mlp_next_simulations_reply, parameter_names), offsetof(mlp_next_simulations_reply, parameter_names_count), NULL},
    {MLP_KIND_RECORD, 1, offsetof(mlp_next_simulations_reply, simulations), offsetof(mlp_next_simulations_reply, simulations_count), &mlp_next_simulations_reply_simulations_shape},
};
const mlp_shape mlp_next_simulations_reply_shape = {"NextSimulationsReply", 27, sizeof(mlp_next_simulations_reply), mlp_next_simulations_reply_members, 3};

static const mlp_member mlp_client_stop_members[] = {
    {MLP_KIND_STRING, 0, offsetof(mlp_client_stop, reason), 0, NULL},
};
const mlp_shape mlp_client_stop_shape = {"ClientStop", 28, sizeof(mlp_client_stop), mlp_client_stop_members, 1};

static const mlp_member mlp_client_heartbeat_members[] = {
    {MLP_KIND_U32, 0, offsetof(mlp_client_heartbeat, simulation), 0, NULL},
    {MLP_KIND_U64, 0, offsetof(mlp_client_heartbeat, client), 0, NULL},
};
const mlp_shape mlp_client_heartbeat_shape = {"ClientHeartbeat", 29, sizeof(mlp_client_heartbeat), mlp_client_heartbeat_members, 2};

static const mlp_member mlp_rank_hello_members[] = {
    {MLP_KIND_STRING, 0, offsetof(mlp_rank_hello, token), 0, NULL},
    {MLP_KIND_U32, 0, offsetof(mlp_rank_hello, rank), 0, NULL},
    {MLP_KIND_U64, 0, offsetof(mlp_rank_hello, instance), 0, NULL},
    {MLP_KIND_STRING, 0, offsetof(mlp_rank_hello, host), 0, NULL},
    {MLP_KIND_U32, 0, offsetof(mlp_rank_hello, process_id), 0, NULL},
    {MLP_KIND_STRING, 0, offsetof(mlp_rank_hello, endpoint), 0, NULL},
    {MLP_KIND_STRING, 0, offsetof(mlp_rank_hello, server_key), 0, NULL},
    {MLP_KIND_U64, 0, offsetof(mlp_rank_hello, checkpoint), 0, NULL},
    {MLP_KIND_BYTES, 0, offsetof(mlp_rank_hello, complete), 0, NULL},
};
const mlp_shape mlp_rank_hello_shape = {"RankHello", 40, sizeof(mlp_rank_hello), mlp_rank_hello_members, 9};

static const mlp_member mlp_rank_welcome_members[] = {
    {MLP_KIND_STRING, 0, offsetof(mlp_rank_welcome, study), 0, NULL},
    {MLP_KIND_U32, 0, offsetof(mlp_rank_welcome, heartbeat_ms), 0, NULL},
    {MLP_KIND_U64, 0, offsetof(mlp_rank_welcome, checkpoint), 0, NULL},
};
const mlp_shape mlp_rank_welcome_shape = {"RankWelcome", 41, sizeof(mlp_rank_welcome), mlp_rank_welcome_members, 3};

static const mlp_member mlp_rank_progress_completed_members[] = {
    {MLP_KIND_U32, 0, offsetof(mlp_rank_progress_completed, simulation), 0, NULL},
    {MLP_KIND_U16, 0, offsetof(mlp_rank_progress_completed, draw), 0, NULL},
    {MLP_KIND_U16, 0, offsetof(mlp_rank_progress_completed, attempt), 0, NULL},
    {MLP_KIND_U8, 0, offsetof(mlp_rank_progress_completed, state), 0, NULL},
};
static const mlp_shape mlp_rank_progress_completed_shape = {"RankProgress.completed", 0, sizeof(mlp_rank_progress_completed), mlp_rank_progress_completed_members, 4};
static const mlp_member mlp_rank_progress_active_members[] = {
    {MLP_KIND_U32, 0, offsetof(mlp_rank_progress_active, simulation), 0, NULL},
    {MLP_KIND_U16, 0, offsetof(mlp_rank_progress_active, draw), 0, NULL},
    {MLP_KIND_U16, 0, offsetof(mlp_rank_progress_active, attempt), 0, NULL},
    {MLP_KIND_U32, 0, offsetof(mlp_rank_progress_active, first_step), 0, NULL},
};
static const mlp_shape mlp_rank_progress_active_shape = {"RankProgress.active", 0, sizeof(mlp_rank_progress_active), mlp_rank_progress_active_members, 4};
static const mlp_member mlp_rank_progress_faults_members[] = {
    {MLP_KIND_U32, 0, offsetof(mlp_rank_progress_faults, simulation), 0, NULL},
    {MLP_KIND_U16, 0, offsetof(mlp_rank_progress_faults, draw), 0, NULL},
    {MLP_KIND_U16, 0, offsetof(mlp_rank_progress_faults, attempt), 0, NULL},
    {MLP_KIND_STRING, 0, offsetof(mlp_rank_progress_faults, code), 0, NULL},
    {MLP_KIND_STRING, 0, offsetof(mlp_rank_progress_faults, message), 0, NULL},
};
static const mlp_shape mlp_rank_progress_faults_shape = {"RankProgress.faults", 0, sizeof(mlp_rank_progress_faults), mlp_rank_progress_faults_members, 5};
static const mlp_member mlp_rank_progress_members[] = {
    {MLP_KIND_U64, 0, offsetof(mlp_rank_progress, sequence), 0, NULL},
    {MLP_KIND_RECORD, 1, offsetof(mlp_rank_progress, completed), offsetof(mlp_rank_progress, completed_count), &mlp_rank_progress_completed_shape},
    {MLP_KIND_RECORD, 1, offsetof(mlp_rank_progress, active), offsetof(mlp_rank_progress, active_count), &mlp_rank_progress_active_shape},
    {MLP_KIND_RECORD, 1, offsetof(mlp_rank_progress, faults), offsetof(mlp_rank_progress, faults_count), &mlp_rank_progress_faults_shape},
    {MLP_KIND_U64, 0, offsetof(mlp_rank_progress, frames_total), 0, NULL},
    {MLP_KIND_U64, 0, offsetof(mlp_rank_progress, bytes_total), 0, NULL},
    {MLP_KIND_U64, 0, offsetof(mlp_rank_progress, folded_units_total), 0, NULL},
    {MLP_KIND_U64, 0, offsetof(mlp_rank_progress, duplicates_total), 0, NULL},
    {MLP_KIND_U64, 0, offsetof(mlp_rank_progress, refused_total), 0, NULL},
    {MLP_KIND_U64, 0, offsetof(mlp_rank_progress, held_bytes), 0, NULL},
    {MLP_KIND_U32, 0, offsetof(mlp_rank_progress, connections), 0, NULL},
    {MLP_KIND_U64, 0, offsetof(mlp_rank_progress, groups_folded), 0, NULL},
    {MLP_KIND_F64, 0, offsetof(mlp_rank_progress, fold_seconds), 0, NULL},
    {MLP_KIND_U64, 0, offsetof(mlp_rank_progress, rss_bytes), 0, NULL},
};
const mlp_shape mlp_rank_progress_shape = {"RankProgress", 42, sizeof(mlp_rank_progress), mlp_rank_progress_members, 14};

static const mlp_member mlp_attempt_members[] = {
    {MLP_KIND_U32, 0, offsetof(mlp_attempt, simulation), 0, NULL},
    {MLP_KIND_U16, 0, offsetof(mlp_attempt, draw), 0, NULL},
    {MLP_KIND_U16, 0, offsetof(mlp_attempt, attempt), 0, NULL},
    {MLP_KIND_U8, 0, offsetof(mlp_attempt, drop), 0, NULL},
};
const mlp_shape mlp_attempt_shape = {"Attempt", 43, sizeof(mlp_attempt), mlp_attempt_members, 4};

static const mlp_member mlp_checkpoint_members[] = {
    {MLP_KIND_U64, 0, offsetof(mlp_checkpoint, number), 0, NULL},
};
const mlp_shape mlp_checkpoint_shape = {"Checkpoint", 44, sizeof(mlp_checkpoint), mlp_checkpoint_members, 1};

static const mlp_member mlp_checkpoint_done_members[] = {
    {MLP_KIND_U64, 0, offsetof(mlp_checkpoint_done, number), 0, NULL},
    {MLP_KIND_U8, 0, offsetof(mlp_checkpoint_done, ok), 0, NULL},
    {MLP_KIND_STRING, 0, offsetof(mlp_checkpoint_done, reason), 0, NULL},
    {MLP_KIND_U64, 0, offsetof(mlp_checkpoint_done, bytes), 0, NULL},
    {MLP_KIND_F64, 0, offsetof(mlp_checkpoint_done, seconds), 0, NULL},
};
const mlp_shape mlp_checkpoint_done_shape = {"CheckpointDone", 45, sizeof(mlp_checkpoint_done), mlp_checkpoint_done_members, 5};

static const mlp_member mlp_checkpoint_committed_members[] = {
    {MLP_KIND_U64, 0, offsetof(mlp_checkpoint_committed, number), 0, NULL},
};
const mlp_shape mlp_checkpoint_committed_shape = {"CheckpointCommitted", 46, sizeof(mlp_checkpoint_committed), mlp_checkpoint_committed_members, 1};

static const mlp_member mlp_read_statistic_members[] = {
    {MLP_KIND_U16, 0, offsetof(mlp_read_statistic, field), 0, NULL},
    {MLP_KIND_U32, 0, offsetof(mlp_read_statistic, step), 0, NULL},
    {MLP_KIND_STRING, 0, offsetof(mlp_read_statistic, statistic), 0, NULL},
    {MLP_KIND_U32, 0, offsetof(mlp_read_statistic, argument), 0, NULL},
    {MLP_KIND_U64, 0, offsetof(mlp_read_statistic, begin), 0, NULL},
    {MLP_KIND_U64, 0, offsetof(mlp_read_statistic, end), 0, NULL},
};
const mlp_shape mlp_read_statistic_shape = {"ReadStatistic", 47, sizeof(mlp_read_statistic), mlp_read_statistic_members, 6};

static const mlp_member mlp_statistic_members[] = {
    {MLP_KIND_U8, 0, offsetof(mlp_statistic, dtype), 0, NULL},
    {MLP_KIND_BYTES, 0, offsetof(mlp_statistic, values), 0, NULL},
};
const mlp_shape mlp_statistic_shape = {"Statistic", 48, sizeof(mlp_statistic), mlp_statistic_members, 2};

static const mlp_member mlp_read_convergence_members[] = {
    {MLP_KIND_F64, 0, offsetof(mlp_read_convergence, min_variance_share), 0, NULL},
    {MLP_KIND_F64, 0, offsetof(mlp_read_convergence, level), 0, NULL},
    {MLP_KIND_F64, 1, offsetof(mlp_read_convergence, max_variance), offsetof(mlp_read_convergence, max_variance_count), NULL},
};
const mlp_shape mlp_read_convergence_shape = {"ReadConvergence", 49, sizeof(mlp_read_convergence), mlp_read_convergence_members, 3};

static const mlp_member mlp_convergence_members[] = {
    {MLP_KIND_U64, 0, offsetof(mlp_convergence, groups), 0, NULL},
    {MLP_KIND_F64, 0, offsetof(mlp_convergence, widest), 0, NULL},
    {MLP_KIND_F64, 0, offsetof(mlp_convergence, median_width), 0, NULL},
    {MLP_KIND_U64, 0, offsetof(mlp_convergence, cells), 0, NULL},
    {MLP_KIND_F64, 1, offsetof(mlp_convergence, max_variance), offsetof(mlp_convergence, max_variance_count), NULL},
};
const mlp_shape mlp_convergence_shape = {"Convergence", 50, sizeof(mlp_convergence), mlp_convergence_members, 5};

const mlp_shape mlp_read_digest_shape = {"ReadDigest", 51, sizeof(mlp_read_digest), NULL, 0};

static const mlp_member mlp_digest_digests_members[] = {
    {MLP_KIND_STRING, 0, offsetof(mlp_digest_digests, consumer), 0, NULL},
    {MLP_KIND_U64, 0, offsetof(mlp_digest_digests, digest), 0, NULL},
    {MLP_KIND_U64, 0, offsetof(mlp_digest_digests, units), 0, NULL},
};
static const mlp_shape mlp_digest_digests_shape = {"Digest.digests", 0, sizeof(mlp_digest_digests), mlp_digest_digests_members, 3};
static const mlp_member mlp_digest_members[] = {
    {MLP_KIND_RECORD, 1, offsetof(mlp_digest, digests), offsetof(mlp_digest, digests_count), &mlp_digest_digests_shape},
};
const mlp_shape mlp_digest_shape = {"Digest", 52, sizeof(mlp_digest), mlp_digest_members, 1};

static const mlp_member mlp_fold_members[] = {
    {MLP_KIND_U32, 0, offsetof(mlp_fold, simulation), 0, NULL},
    {MLP_KIND_U16, 0, offsetof(mlp_fold, draw), 0, NULL},
    {MLP_KIND_U16, 0, offsetof(mlp_fold, attempt), 0, NULL},
};
const mlp_shape mlp_fold_shape = {"Fold", 54, sizeof(mlp_fold), mlp_fold_members, 3};

const mlp_shape mlp_rank_heartbeat_shape = {"RankHeartbeat", 53, sizeof(mlp_rank_heartbeat), NULL, 0};

static const mlp_member mlp_open_fields_members[] = {
    {MLP_KIND_U16, 0, offsetof(mlp_open_fields, index), 0, NULL},
    {MLP_KIND_U8, 0, offsetof(mlp_open_fields, dtype), 0, NULL},
    {MLP_KIND_BYTES, 0, offsetof(mlp_open_fields, cells), 0, NULL},
};
static const mlp_shape mlp_open_fields_shape = {"Open.fields", 0, sizeof(mlp_open_fields), mlp_open_fields_members, 3};
static const mlp_member mlp_open_members[] = {
    {MLP_KIND_STRING, 0, offsetof(mlp_open, token), 0, NULL},
    {MLP_KIND_U64, 0, offsetof(mlp_open, client), 0, NULL},
    {MLP_KIND_U32, 0, offsetof(mlp_open, client_rank), 0, NULL},
    {MLP_KIND_U32, 0, offsetof(mlp_open, client_ranks), 0, NULL},
    {MLP_KIND_U32, 0, offsetof(mlp_open, simulation), 0, NULL},
    {MLP_KIND_U16, 0, offsetof(mlp_open, draw), 0, NULL},
    {MLP_KIND_U16, 0, offsetof(mlp_open, attempt), 0, NULL},
    {MLP_KIND_U64, 0, offsetof(mlp_open, first_unacknowledged), 0, NULL},
    {MLP_KIND_STRING, 0, offsetof(mlp_open, host), 0, NULL},
    {MLP_KIND_RECORD, 1, offsetof(mlp_open, fields), offsetof(mlp_open, fields_count), &mlp_open_fields_shape},
};
const mlp_shape mlp_open_shape = {"Open", 101, sizeof(mlp_open), mlp_open_members, 10};

static const mlp_member mlp_opened_members[] = {
    {MLP_KIND_U64, 0, offsetof(mlp_opened, instance), 0, NULL},
    {MLP_KIND_U64, 0, offsetof(mlp_opened, held), 0, NULL},
    {MLP_KIND_U64, 0, offsetof(mlp_opened, credit_limit), 0, NULL},
    {MLP_KIND_STRING, 0, offsetof(mlp_opened, ring), 0, NULL},
    {MLP_KIND_U32, 0, offsetof(mlp_opened, simulation), 0, NULL},
    {MLP_KIND_U16, 0, offsetof(mlp_opened, draw), 0, NULL},
    {MLP_KIND_U16, 0, offsetof(mlp_opened, attempt), 0, NULL},
};
const mlp_shape mlp_opened_shape = {"Opened", 102, sizeof(mlp_opened), mlp_opened_members, 7};

static const mlp_member mlp_ack_members[] = {
    {MLP_KIND_U32, 0, offsetof(mlp_ack, simulation), 0, NULL},
    {MLP_KIND_U16, 0, offsetof(mlp_ack, attempt), 0, NULL},
    {MLP_KIND_U64, 0, offsetof(mlp_ack, held), 0, NULL},
    {MLP_KIND_U64, 0, offsetof(mlp_ack, credit_limit), 0, NULL},
};
const mlp_shape mlp_ack_shape = {"Ack", 103, sizeof(mlp_ack), mlp_ack_members, 4};

static const mlp_member mlp_data_refused_members[] = {
    {MLP_KIND_U32, 0, offsetof(mlp_data_refused, simulation), 0, NULL},
    {MLP_KIND_U16, 0, offsetof(mlp_data_refused, draw), 0, NULL},
    {MLP_KIND_U16, 0, offsetof(mlp_data_refused, attempt), 0, NULL},
    {MLP_KIND_U8, 0, offsetof(mlp_data_refused, retry), 0, NULL},
    {MLP_KIND_STRING, 0, offsetof(mlp_data_refused, code), 0, NULL},
    {MLP_KIND_STRING, 0, offsetof(mlp_data_refused, message), 0, NULL},
    {MLP_KIND_STRING, 0, offsetof(mlp_data_refused, remedy), 0, NULL},
};
const mlp_shape mlp_data_refused_shape = {"DataRefused", 104, sizeof(mlp_data_refused), mlp_data_refused_members, 7};

static const mlp_member mlp_close_members[] = {
    {MLP_KIND_U32, 0, offsetof(mlp_close, simulation), 0, NULL},
    {MLP_KIND_U16, 0, offsetof(mlp_close, draw), 0, NULL},
    {MLP_KIND_U16, 0, offsetof(mlp_close, attempt), 0, NULL},
    {MLP_KIND_U64, 0, offsetof(mlp_close, client), 0, NULL},
    {MLP_KIND_U32, 0, offsetof(mlp_close, client_rank), 0, NULL},
};
const mlp_shape mlp_close_shape = {"Close", 105, sizeof(mlp_close), mlp_close_members, 5};

const mlp_shape *mlp_shape_of(uint16_t code) {
  switch (code) {
    case 1: return &mlp_pilot_hello_shape;
    case 2: return &mlp_pilot_welcome_shape;
    case 3: return &mlp_lease_shape;
    case 4: return &mlp_started_shape;
    case 5: return &mlp_ended_shape;
    case 6: return &mlp_pilot_heartbeat_shape;
    case 7: return &mlp_draining_shape;
    case 8: return &mlp_stop_leases_shape;
    case 9: return &mlp_dismiss_shape;
    case 10: return &mlp_head_heartbeat_shape;
    case 11: return &mlp_ok_shape;
    case 12: return &mlp_refused_shape;
    case 20: return &mlp_client_hello_shape;
    case 21: return &mlp_client_welcome_shape;
    case 22: return &mlp_field_shape;
    case 23: return &mlp_field_layout_shape;
    case 24: return &mlp_client_bye_shape;
    case 25: return &mlp_client_fault_shape;
    case 26: return &mlp_next_simulations_shape;
    case 27: return &mlp_next_simulations_reply_shape;
    case 28: return &mlp_client_stop_shape;
    case 29: return &mlp_client_heartbeat_shape;
    case 40: return &mlp_rank_hello_shape;
    case 41: return &mlp_rank_welcome_shape;
    case 42: return &mlp_rank_progress_shape;
    case 43: return &mlp_attempt_shape;
    case 44: return &mlp_checkpoint_shape;
    case 45: return &mlp_checkpoint_done_shape;
    case 46: return &mlp_checkpoint_committed_shape;
    case 47: return &mlp_read_statistic_shape;
    case 48: return &mlp_statistic_shape;
    case 49: return &mlp_read_convergence_shape;
    case 50: return &mlp_convergence_shape;
    case 51: return &mlp_read_digest_shape;
    case 52: return &mlp_digest_shape;
    case 54: return &mlp_fold_shape;
    case 53: return &mlp_rank_heartbeat_shape;
    case 101: return &mlp_open_shape;
    case 102: return &mlp_opened_shape;
    case 103: return &mlp_ack_shape;
    case 104: return &mlp_data_refused_shape;
    case 105: return &mlp_close_shape;
    default: return NULL;
  }
}

const char *mlp_code_name(uint16_t code) {
  const mlp_shape *shape = mlp_shape_of(code);
  return shape != NULL ? shape->name : code == MLP_DATA_CODE ? "Data" : "?";
}

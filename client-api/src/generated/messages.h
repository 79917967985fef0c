/* SPDX-License-Identifier: Apache-2.0 */
/* Made from client-api/protocol/src/messages.ts by `npm run generate`; do not edit. */

#ifndef MELISSA_PROTOCOL_MESSAGES_H
#define MELISSA_PROTOCOL_MESSAGES_H

#include "../protocol/codec.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Codes of control messages. */
enum {
  MLP_CODE_PILOT_HELLO = 1,
  MLP_CODE_PILOT_WELCOME = 2,
  MLP_CODE_LEASE = 3,
  MLP_CODE_STARTED = 4,
  MLP_CODE_ENDED = 5,
  MLP_CODE_PILOT_HEARTBEAT = 6,
  MLP_CODE_DRAINING = 7,
  MLP_CODE_STOP_LEASES = 8,
  MLP_CODE_DISMISS = 9,
  MLP_CODE_HEAD_HEARTBEAT = 10,
  MLP_CODE_OK = 11,
  MLP_CODE_REFUSED = 12,
  MLP_CODE_CLIENT_HELLO = 20,
  MLP_CODE_CLIENT_WELCOME = 21,
  MLP_CODE_FIELD = 22,
  MLP_CODE_FIELD_LAYOUT = 23,
  MLP_CODE_CLIENT_BYE = 24,
  MLP_CODE_CLIENT_FAULT = 25,
  MLP_CODE_NEXT_SIMULATIONS = 26,
  MLP_CODE_NEXT_SIMULATIONS_REPLY = 27,
  MLP_CODE_CLIENT_STOP = 28,
  MLP_CODE_CLIENT_HEARTBEAT = 29,
  MLP_CODE_RANK_HELLO = 40,
  MLP_CODE_RANK_WELCOME = 41,
  MLP_CODE_RANK_PROGRESS = 42,
  MLP_CODE_ATTEMPT = 43,
  MLP_CODE_CHECKPOINT = 44,
  MLP_CODE_CHECKPOINT_DONE = 45,
  MLP_CODE_CHECKPOINT_COMMITTED = 46,
  MLP_CODE_READ_STATISTIC = 47,
  MLP_CODE_STATISTIC = 48,
  MLP_CODE_READ_CONVERGENCE = 49,
  MLP_CODE_CONVERGENCE = 50,
  MLP_CODE_READ_DIGEST = 51,
  MLP_CODE_DIGEST = 52,
  MLP_CODE_FOLD = 54,
  MLP_CODE_RANK_HEARTBEAT = 53,
};

/* Codes of data messages; Data itself is MLP_DATA_CODE. */
enum {
  MLP_CODE_OPEN = 101,
  MLP_CODE_OPENED = 102,
  MLP_CODE_ACK = 103,
  MLP_CODE_DATA_REFUSED = 104,
  MLP_CODE_CLOSE = 105,
};

/** Name of a code, for logs; "?" if unknown. */
const char *mlp_code_name(uint16_t code);
/** The shape of a code, or NULL. */
const mlp_shape *mlp_shape_of(uint16_t code);

/* ---- PilotHello ---- */

typedef struct mlp_pilot_hello_running {
  uint64_t lease;
  uint32_t simulation;
  uint16_t draw;
  uint16_t attempt;
} mlp_pilot_hello_running;

typedef struct mlp_pilot_hello {
  mlp_text token;
  mlp_text pilot;
  uint64_t instance;
  mlp_text host;
  uint32_t process_id;
  uint16_t slots;
  const mlp_pilot_hello_running *running;
  uint32_t running_count;
} mlp_pilot_hello;

extern const mlp_shape mlp_pilot_hello_shape;
static inline mlp_status mlp_encode_pilot_hello(mlp_buffer *out, const mlp_pilot_hello *message, uint32_t epoch, uint64_t request) {
  return mlp_encode_control(out, &mlp_pilot_hello_shape, message, epoch, request);
}
static inline mlp_status mlp_decode_pilot_hello(const uint8_t *frame, size_t size, mlp_arena *arena, mlp_envelope *envelope, mlp_pilot_hello *message) {
  return mlp_decode_control(frame, size, arena, &mlp_pilot_hello_shape, envelope, message);
}

/* ---- PilotWelcome ---- */

typedef struct mlp_pilot_welcome_environment {
  mlp_text name;
  mlp_text value;
} mlp_pilot_welcome_environment;

typedef struct mlp_pilot_welcome_files {
  mlp_text path;
  mlp_bytes content;
} mlp_pilot_welcome_files;

typedef struct mlp_pilot_welcome_outputs {
  mlp_text field;
  uint8_t kind;
  mlp_text path;
  uint64_t cells;
  uint8_t dtype;
  uint32_t steps;
} mlp_pilot_welcome_outputs;

typedef struct mlp_pilot_welcome {
  mlp_text study;
  uint32_t heartbeat_ms;
  uint32_t silence_ms;
  const mlp_text *parameter_names;
  uint32_t parameter_names_count;
  const mlp_text *command;
  uint32_t command_count;
  const mlp_text *launcher;
  uint32_t launcher_count;
  const mlp_text *preprocessing;
  uint32_t preprocessing_count;
  const mlp_pilot_welcome_environment *environment;
  uint32_t environment_count;
  const mlp_pilot_welcome_files *files;
  uint32_t files_count;
  const mlp_pilot_welcome_outputs *outputs;
  uint32_t outputs_count;
  uint32_t ranks;
  uint8_t loop;
  uint8_t work_directory;
  uint8_t keep_work_directory;
  mlp_text work_root;
  uint32_t output_bytes_max;
  double drain_seconds;
  uint64_t seed;
} mlp_pilot_welcome;

extern const mlp_shape mlp_pilot_welcome_shape;
static inline mlp_status mlp_encode_pilot_welcome(mlp_buffer *out, const mlp_pilot_welcome *message, uint32_t epoch, uint64_t request) {
  return mlp_encode_control(out, &mlp_pilot_welcome_shape, message, epoch, request);
}
static inline mlp_status mlp_decode_pilot_welcome(const uint8_t *frame, size_t size, mlp_arena *arena, mlp_envelope *envelope, mlp_pilot_welcome *message) {
  return mlp_decode_control(frame, size, arena, &mlp_pilot_welcome_shape, envelope, message);
}

/* ---- Lease ---- */

typedef struct mlp_lease_leases {
  uint64_t lease;
  uint32_t simulation;
  uint16_t draw;
  uint16_t attempt;
  uint32_t group;
  uint16_t member;
  uint32_t first_step;
  uint32_t timeout_ms;
  mlp_text values;
} mlp_lease_leases;

typedef struct mlp_lease {
  const mlp_lease_leases *leases;
  uint32_t leases_count;
} mlp_lease;

extern const mlp_shape mlp_lease_shape;
static inline mlp_status mlp_encode_lease(mlp_buffer *out, const mlp_lease *message, uint32_t epoch, uint64_t request) {
  return mlp_encode_control(out, &mlp_lease_shape, message, epoch, request);
}
static inline mlp_status mlp_decode_lease(const uint8_t *frame, size_t size, mlp_arena *arena, mlp_envelope *envelope, mlp_lease *message) {
  return mlp_decode_control(frame, size, arena, &mlp_lease_shape, envelope, message);
}

/* ---- Started ---- */

typedef struct mlp_started {
  uint64_t lease;
  uint32_t process_id;
} mlp_started;

extern const mlp_shape mlp_started_shape;
static inline mlp_status mlp_encode_started(mlp_buffer *out, const mlp_started *message, uint32_t epoch, uint64_t request) {
  return mlp_encode_control(out, &mlp_started_shape, message, epoch, request);
}
static inline mlp_status mlp_decode_started(const uint8_t *frame, size_t size, mlp_arena *arena, mlp_envelope *envelope, mlp_started *message) {
  return mlp_decode_control(frame, size, arena, &mlp_started_shape, envelope, message);
}

/* ---- Ended ---- */

typedef struct mlp_ended {
  uint64_t lease;
  uint32_t simulation;
  uint16_t draw;
  uint16_t attempt;
  uint8_t outcome;
  int32_t exit_code;
  mlp_text reason;
  double wall_seconds;
  double cpu_seconds;
  uint64_t peak_rss_bytes;
  uint32_t descendants_ended;
  uint64_t output_bytes;
  mlp_bytes stdout;
  mlp_bytes stderr;
} mlp_ended;

extern const mlp_shape mlp_ended_shape;
static inline mlp_status mlp_encode_ended(mlp_buffer *out, const mlp_ended *message, uint32_t epoch, uint64_t request) {
  return mlp_encode_control(out, &mlp_ended_shape, message, epoch, request);
}
static inline mlp_status mlp_decode_ended(const uint8_t *frame, size_t size, mlp_arena *arena, mlp_envelope *envelope, mlp_ended *message) {
  return mlp_decode_control(frame, size, arena, &mlp_ended_shape, envelope, message);
}

/* ---- PilotHeartbeat ---- */

typedef struct mlp_pilot_heartbeat {
  const uint64_t *running;
  uint32_t running_count;
  const uint64_t *waiting;
  uint32_t waiting_count;
} mlp_pilot_heartbeat;

extern const mlp_shape mlp_pilot_heartbeat_shape;
static inline mlp_status mlp_encode_pilot_heartbeat(mlp_buffer *out, const mlp_pilot_heartbeat *message, uint32_t epoch, uint64_t request) {
  return mlp_encode_control(out, &mlp_pilot_heartbeat_shape, message, epoch, request);
}
static inline mlp_status mlp_decode_pilot_heartbeat(const uint8_t *frame, size_t size, mlp_arena *arena, mlp_envelope *envelope, mlp_pilot_heartbeat *message) {
  return mlp_decode_control(frame, size, arena, &mlp_pilot_heartbeat_shape, envelope, message);
}

/* ---- Draining ---- */

typedef struct mlp_draining {
  mlp_text reason;
} mlp_draining;

extern const mlp_shape mlp_draining_shape;
static inline mlp_status mlp_encode_draining(mlp_buffer *out, const mlp_draining *message, uint32_t epoch, uint64_t request) {
  return mlp_encode_control(out, &mlp_draining_shape, message, epoch, request);
}
static inline mlp_status mlp_decode_draining(const uint8_t *frame, size_t size, mlp_arena *arena, mlp_envelope *envelope, mlp_draining *message) {
  return mlp_decode_control(frame, size, arena, &mlp_draining_shape, envelope, message);
}

/* ---- StopLeases ---- */

typedef struct mlp_stop_leases {
  const uint64_t *leases;
  uint32_t leases_count;
  mlp_text reason;
} mlp_stop_leases;

extern const mlp_shape mlp_stop_leases_shape;
static inline mlp_status mlp_encode_stop_leases(mlp_buffer *out, const mlp_stop_leases *message, uint32_t epoch, uint64_t request) {
  return mlp_encode_control(out, &mlp_stop_leases_shape, message, epoch, request);
}
static inline mlp_status mlp_decode_stop_leases(const uint8_t *frame, size_t size, mlp_arena *arena, mlp_envelope *envelope, mlp_stop_leases *message) {
  return mlp_decode_control(frame, size, arena, &mlp_stop_leases_shape, envelope, message);
}

/* ---- Dismiss ---- */

typedef struct mlp_dismiss {
  uint8_t drain;
  uint8_t plan_finished;
  mlp_text reason;
} mlp_dismiss;

extern const mlp_shape mlp_dismiss_shape;
static inline mlp_status mlp_encode_dismiss(mlp_buffer *out, const mlp_dismiss *message, uint32_t epoch, uint64_t request) {
  return mlp_encode_control(out, &mlp_dismiss_shape, message, epoch, request);
}
static inline mlp_status mlp_decode_dismiss(const uint8_t *frame, size_t size, mlp_arena *arena, mlp_envelope *envelope, mlp_dismiss *message) {
  return mlp_decode_control(frame, size, arena, &mlp_dismiss_shape, envelope, message);
}

/* ---- HeadHeartbeat ---- */

typedef struct mlp_head_heartbeat {
  uint8_t plan_finished;
} mlp_head_heartbeat;

extern const mlp_shape mlp_head_heartbeat_shape;
static inline mlp_status mlp_encode_head_heartbeat(mlp_buffer *out, const mlp_head_heartbeat *message, uint32_t epoch, uint64_t request) {
  return mlp_encode_control(out, &mlp_head_heartbeat_shape, message, epoch, request);
}
static inline mlp_status mlp_decode_head_heartbeat(const uint8_t *frame, size_t size, mlp_arena *arena, mlp_envelope *envelope, mlp_head_heartbeat *message) {
  return mlp_decode_control(frame, size, arena, &mlp_head_heartbeat_shape, envelope, message);
}

/* ---- Ok ---- */

typedef struct mlp_ok {
  uint8_t unused; /* C has no empty struct */
} mlp_ok;

extern const mlp_shape mlp_ok_shape;
static inline mlp_status mlp_encode_ok(mlp_buffer *out, const mlp_ok *message, uint32_t epoch, uint64_t request) {
  return mlp_encode_control(out, &mlp_ok_shape, message, epoch, request);
}
static inline mlp_status mlp_decode_ok(const uint8_t *frame, size_t size, mlp_arena *arena, mlp_envelope *envelope, mlp_ok *message) {
  return mlp_decode_control(frame, size, arena, &mlp_ok_shape, envelope, message);
}

/* ---- Refused ---- */

typedef struct mlp_refused {
  mlp_text code;
  mlp_text message;
  mlp_text remedy;
  uint32_t retry_after_ms;
} mlp_refused;

extern const mlp_shape mlp_refused_shape;
static inline mlp_status mlp_encode_refused(mlp_buffer *out, const mlp_refused *message, uint32_t epoch, uint64_t request) {
  return mlp_encode_control(out, &mlp_refused_shape, message, epoch, request);
}
static inline mlp_status mlp_decode_refused(const uint8_t *frame, size_t size, mlp_arena *arena, mlp_envelope *envelope, mlp_refused *message) {
  return mlp_decode_control(frame, size, arena, &mlp_refused_shape, envelope, message);
}

/* ---- ClientHello ---- */

typedef struct mlp_client_hello {
  mlp_text token;
  uint64_t client;
  mlp_text library;
  mlp_text host;
  uint32_t simulation;
  uint16_t draw;
  uint16_t attempt;
  uint32_t ranks;
} mlp_client_hello;

extern const mlp_shape mlp_client_hello_shape;
static inline mlp_status mlp_encode_client_hello(mlp_buffer *out, const mlp_client_hello *message, uint32_t epoch, uint64_t request) {
  return mlp_encode_control(out, &mlp_client_hello_shape, message, epoch, request);
}
static inline mlp_status mlp_decode_client_hello(const uint8_t *frame, size_t size, mlp_arena *arena, mlp_envelope *envelope, mlp_client_hello *message) {
  return mlp_decode_control(frame, size, arena, &mlp_client_hello_shape, envelope, message);
}

/* ---- ClientWelcome ---- */

typedef struct mlp_client_welcome_server_ranks {
  mlp_text endpoint;
  mlp_text server_key;
  mlp_text host;
} mlp_client_welcome_server_ranks;

typedef struct mlp_client_welcome_fields {
  mlp_text name;
  uint16_t index;
  uint8_t dtype;
  uint64_t cells;
  uint32_t steps;
} mlp_client_welcome_fields;

typedef struct mlp_client_welcome {
  mlp_text study;
  const mlp_client_welcome_server_ranks *server_ranks;
  uint32_t server_ranks_count;
  uint32_t first_step;
  uint8_t non_finite;
  uint64_t send_window_bytes;
  uint32_t send_timeout_ms;
  uint32_t heartbeat_ms;
  const mlp_client_welcome_fields *fields;
  uint32_t fields_count;
} mlp_client_welcome;

extern const mlp_shape mlp_client_welcome_shape;
static inline mlp_status mlp_encode_client_welcome(mlp_buffer *out, const mlp_client_welcome *message, uint32_t epoch, uint64_t request) {
  return mlp_encode_control(out, &mlp_client_welcome_shape, message, epoch, request);
}
static inline mlp_status mlp_decode_client_welcome(const uint8_t *frame, size_t size, mlp_arena *arena, mlp_envelope *envelope, mlp_client_welcome *message) {
  return mlp_decode_control(frame, size, arena, &mlp_client_welcome_shape, envelope, message);
}

/* ---- Field ---- */

typedef struct mlp_field {
  uint32_t simulation;
  uint64_t client;
  mlp_text name;
  uint8_t dtype;
  const uint64_t *cells;
  uint32_t cells_count;
} mlp_field;

extern const mlp_shape mlp_field_shape;
static inline mlp_status mlp_encode_field(mlp_buffer *out, const mlp_field *message, uint32_t epoch, uint64_t request) {
  return mlp_encode_control(out, &mlp_field_shape, message, epoch, request);
}
static inline mlp_status mlp_decode_field(const uint8_t *frame, size_t size, mlp_arena *arena, mlp_envelope *envelope, mlp_field *message) {
  return mlp_decode_control(frame, size, arena, &mlp_field_shape, envelope, message);
}

/* ---- FieldLayout ---- */

typedef struct mlp_field_layout_regions {
  uint64_t begin;
  uint64_t end;
} mlp_field_layout_regions;

typedef struct mlp_field_layout_steps {
  uint32_t begin;
  uint32_t end;
  uint32_t stride;
} mlp_field_layout_steps;

typedef struct mlp_field_layout {
  uint16_t index;
  const mlp_field_layout_regions *regions;
  uint32_t regions_count;
  const mlp_field_layout_steps *steps;
  uint32_t steps_count;
  const uint64_t *partition;
  uint32_t partition_count;
} mlp_field_layout;

extern const mlp_shape mlp_field_layout_shape;
static inline mlp_status mlp_encode_field_layout(mlp_buffer *out, const mlp_field_layout *message, uint32_t epoch, uint64_t request) {
  return mlp_encode_control(out, &mlp_field_layout_shape, message, epoch, request);
}
static inline mlp_status mlp_decode_field_layout(const uint8_t *frame, size_t size, mlp_arena *arena, mlp_envelope *envelope, mlp_field_layout *message) {
  return mlp_decode_control(frame, size, arena, &mlp_field_layout_shape, envelope, message);
}

/* ---- ClientBye ---- */

typedef struct mlp_client_bye {
  uint32_t simulation;
  uint64_t client;
  uint64_t steps_sent;
} mlp_client_bye;

extern const mlp_shape mlp_client_bye_shape;
static inline mlp_status mlp_encode_client_bye(mlp_buffer *out, const mlp_client_bye *message, uint32_t epoch, uint64_t request) {
  return mlp_encode_control(out, &mlp_client_bye_shape, message, epoch, request);
}
static inline mlp_status mlp_decode_client_bye(const uint8_t *frame, size_t size, mlp_arena *arena, mlp_envelope *envelope, mlp_client_bye *message) {
  return mlp_decode_control(frame, size, arena, &mlp_client_bye_shape, envelope, message);
}

/* ---- ClientFault ---- */

typedef struct mlp_client_fault {
  uint32_t simulation;
  uint16_t draw;
  uint16_t attempt;
  uint64_t client;
  mlp_text code;
  mlp_text message;
  mlp_text field;
  uint32_t step;
  uint64_t cell;
} mlp_client_fault;

extern const mlp_shape mlp_client_fault_shape;
static inline mlp_status mlp_encode_client_fault(mlp_buffer *out, const mlp_client_fault *message, uint32_t epoch, uint64_t request) {
  return mlp_encode_control(out, &mlp_client_fault_shape, message, epoch, request);
}
static inline mlp_status mlp_decode_client_fault(const uint8_t *frame, size_t size, mlp_arena *arena, mlp_envelope *envelope, mlp_client_fault *message) {
  return mlp_decode_control(frame, size, arena, &mlp_client_fault_shape, envelope, message);
}

/* ---- NextSimulations ---- */

typedef struct mlp_next_simulations_finished {
  uint32_t simulation;
  uint16_t draw;
  uint16_t attempt;
  double wall_seconds;
} mlp_next_simulations_finished;

typedef struct mlp_next_simulations {
  mlp_text token;
  uint64_t client;
  mlp_text library;
  mlp_text host;
  mlp_text pilot;
  uint64_t loop_lease;
  uint32_t ranks;
  uint16_t wanted;
  const mlp_next_simulations_finished *finished;
  uint32_t finished_count;
} mlp_next_simulations;

extern const mlp_shape mlp_next_simulations_shape;
static inline mlp_status mlp_encode_next_simulations(mlp_buffer *out, const mlp_next_simulations *message, uint32_t epoch, uint64_t request) {
  return mlp_encode_control(out, &mlp_next_simulations_shape, message, epoch, request);
}
static inline mlp_status mlp_decode_next_simulations(const uint8_t *frame, size_t size, mlp_arena *arena, mlp_envelope *envelope, mlp_next_simulations *message) {
  return mlp_decode_control(frame, size, arena, &mlp_next_simulations_shape, envelope, message);
}

/* ---- NextSimulationsReply ---- */

typedef struct mlp_next_simulations_reply_simulations {
  uint32_t simulation;
  uint16_t draw;
  uint16_t attempt;
  uint32_t first_step;
  mlp_text values;
} mlp_next_simulations_reply_simulations;

typedef struct mlp_next_simulations_reply {
  uint8_t terminated;
  const mlp_text *parameter_names;
  uint32_t parameter_names_count;
  const mlp_next_simulations_reply_simulations *simulations;
  uint32_t simulations_count;
} mlp_next_simulations_reply;

extern const mlp_shape mlp_next_simulations_reply_shape;
static inline mlp_status mlp_encode_next_simulations_reply(mlp_buffer *out, const mlp_next_simulations_reply *message, uint32_t epoch, uint64_t request) {
  return mlp_encode_control(out, &mlp_next_simulations_reply_shape, message, epoch, request);
}
static inline mlp_status mlp_decode_next_simulations_reply(const uint8_t *frame, size_t size, mlp_arena *arena, mlp_envelope *envelope, mlp_next_simulations_reply *message) {
  return mlp_decode_control(frame, size, arena, &mlp_next_simulations_reply_shape, envelope, message);
}

/* ---- ClientStop ---- */

typedef struct mlp_client_stop {
  mlp_text reason;
} mlp_client_stop;

extern const mlp_shape mlp_client_stop_shape;
static inline mlp_status mlp_encode_client_stop(mlp_buffer *out, const mlp_client_stop *message, uint32_t epoch, uint64_t request) {
  return mlp_encode_control(out, &mlp_client_stop_shape, message, epoch, request);
}
static inline mlp_status mlp_decode_client_stop(const uint8_t *frame, size_t size, mlp_arena *arena, mlp_envelope *envelope, mlp_client_stop *message) {
  return mlp_decode_control(frame, size, arena, &mlp_client_stop_shape, envelope, message);
}

/* ---- ClientHeartbeat ---- */

typedef struct mlp_client_heartbeat {
  uint32_t simulation;
  uint64_t client;
} mlp_client_heartbeat;

extern const mlp_shape mlp_client_heartbeat_shape;
static inline mlp_status mlp_encode_client_heartbeat(mlp_buffer *out, const mlp_client_heartbeat *message, uint32_t epoch, uint64_t request) {
  return mlp_encode_control(out, &mlp_client_heartbeat_shape, message, epoch, request);
}
static inline mlp_status mlp_decode_client_heartbeat(const uint8_t *frame, size_t size, mlp_arena *arena, mlp_envelope *envelope, mlp_client_heartbeat *message) {
  return mlp_decode_control(frame, size, arena, &mlp_client_heartbeat_shape, envelope, message);
}

/* ---- RankHello ---- */

typedef struct mlp_rank_hello {
  mlp_text token;
  uint32_t rank;
  uint64_t instance;
  mlp_text host;
  uint32_t process_id;
  mlp_text endpoint;
  mlp_text server_key;
  uint64_t checkpoint;
  mlp_bytes complete;
} mlp_rank_hello;

extern const mlp_shape mlp_rank_hello_shape;
static inline mlp_status mlp_encode_rank_hello(mlp_buffer *out, const mlp_rank_hello *message, uint32_t epoch, uint64_t request) {
  return mlp_encode_control(out, &mlp_rank_hello_shape, message, epoch, request);
}
static inline mlp_status mlp_decode_rank_hello(const uint8_t *frame, size_t size, mlp_arena *arena, mlp_envelope *envelope, mlp_rank_hello *message) {
  return mlp_decode_control(frame, size, arena, &mlp_rank_hello_shape, envelope, message);
}

/* ---- RankWelcome ---- */

typedef struct mlp_rank_welcome {
  mlp_text study;
  uint32_t heartbeat_ms;
  uint64_t checkpoint;
} mlp_rank_welcome;

extern const mlp_shape mlp_rank_welcome_shape;
static inline mlp_status mlp_encode_rank_welcome(mlp_buffer *out, const mlp_rank_welcome *message, uint32_t epoch, uint64_t request) {
  return mlp_encode_control(out, &mlp_rank_welcome_shape, message, epoch, request);
}
static inline mlp_status mlp_decode_rank_welcome(const uint8_t *frame, size_t size, mlp_arena *arena, mlp_envelope *envelope, mlp_rank_welcome *message) {
  return mlp_decode_control(frame, size, arena, &mlp_rank_welcome_shape, envelope, message);
}

/* ---- RankProgress ---- */

typedef struct mlp_rank_progress_completed {
  uint32_t simulation;
  uint16_t draw;
  uint16_t attempt;
  uint8_t state;
} mlp_rank_progress_completed;

typedef struct mlp_rank_progress_active {
  uint32_t simulation;
  uint16_t draw;
  uint16_t attempt;
  uint32_t first_step;
} mlp_rank_progress_active;

typedef struct mlp_rank_progress_faults {
  uint32_t simulation;
  uint16_t draw;
  uint16_t attempt;
  mlp_text code;
  mlp_text message;
} mlp_rank_progress_faults;

typedef struct mlp_rank_progress {
  uint64_t sequence;
  const mlp_rank_progress_completed *completed;
  uint32_t completed_count;
  const mlp_rank_progress_active *active;
  uint32_t active_count;
  const mlp_rank_progress_faults *faults;
  uint32_t faults_count;
  uint64_t frames_total;
  uint64_t bytes_total;
  uint64_t folded_units_total;
  uint64_t duplicates_total;
  uint64_t refused_total;
  uint64_t held_bytes;
  uint32_t connections;
  uint64_t groups_folded;
  double fold_seconds;
  uint64_t rss_bytes;
} mlp_rank_progress;

extern const mlp_shape mlp_rank_progress_shape;
static inline mlp_status mlp_encode_rank_progress(mlp_buffer *out, const mlp_rank_progress *message, uint32_t epoch, uint64_t request) {
  return mlp_encode_control(out, &mlp_rank_progress_shape, message, epoch, request);
}
static inline mlp_status mlp_decode_rank_progress(const uint8_t *frame, size_t size, mlp_arena *arena, mlp_envelope *envelope, mlp_rank_progress *message) {
  return mlp_decode_control(frame, size, arena, &mlp_rank_progress_shape, envelope, message);
}

/* ---- Attempt ---- */

typedef struct mlp_attempt {
  uint32_t simulation;
  uint16_t draw;
  uint16_t attempt;
  uint8_t drop;
} mlp_attempt;

extern const mlp_shape mlp_attempt_shape;
static inline mlp_status mlp_encode_attempt(mlp_buffer *out, const mlp_attempt *message, uint32_t epoch, uint64_t request) {
  return mlp_encode_control(out, &mlp_attempt_shape, message, epoch, request);
}
static inline mlp_status mlp_decode_attempt(const uint8_t *frame, size_t size, mlp_arena *arena, mlp_envelope *envelope, mlp_attempt *message) {
  return mlp_decode_control(frame, size, arena, &mlp_attempt_shape, envelope, message);
}

/* ---- Checkpoint ---- */

typedef struct mlp_checkpoint {
  uint64_t number;
} mlp_checkpoint;

extern const mlp_shape mlp_checkpoint_shape;
static inline mlp_status mlp_encode_checkpoint(mlp_buffer *out, const mlp_checkpoint *message, uint32_t epoch, uint64_t request) {
  return mlp_encode_control(out, &mlp_checkpoint_shape, message, epoch, request);
}
static inline mlp_status mlp_decode_checkpoint(const uint8_t *frame, size_t size, mlp_arena *arena, mlp_envelope *envelope, mlp_checkpoint *message) {
  return mlp_decode_control(frame, size, arena, &mlp_checkpoint_shape, envelope, message);
}

/* ---- CheckpointDone ---- */

typedef struct mlp_checkpoint_done {
  uint64_t number;
  uint8_t ok;
  mlp_text reason;
  uint64_t bytes;
  double seconds;
} mlp_checkpoint_done;

extern const mlp_shape mlp_checkpoint_done_shape;
static inline mlp_status mlp_encode_checkpoint_done(mlp_buffer *out, const mlp_checkpoint_done *message, uint32_t epoch, uint64_t request) {
  return mlp_encode_control(out, &mlp_checkpoint_done_shape, message, epoch, request);
}
static inline mlp_status mlp_decode_checkpoint_done(const uint8_t *frame, size_t size, mlp_arena *arena, mlp_envelope *envelope, mlp_checkpoint_done *message) {
  return mlp_decode_control(frame, size, arena, &mlp_checkpoint_done_shape, envelope, message);
}

/* ---- CheckpointCommitted ---- */

typedef struct mlp_checkpoint_committed {
  uint64_t number;
} mlp_checkpoint_committed;

extern const mlp_shape mlp_checkpoint_committed_shape;
static inline mlp_status mlp_encode_checkpoint_committed(mlp_buffer *out, const mlp_checkpoint_committed *message, uint32_t epoch, uint64_t request) {
  return mlp_encode_control(out, &mlp_checkpoint_committed_shape, message, epoch, request);
}
static inline mlp_status mlp_decode_checkpoint_committed(const uint8_t *frame, size_t size, mlp_arena *arena, mlp_envelope *envelope, mlp_checkpoint_committed *message) {
  return mlp_decode_control(frame, size, arena, &mlp_checkpoint_committed_shape, envelope, message);
}

/* ---- ReadStatistic ---- */

typedef struct mlp_read_statistic {
  uint16_t field;
  uint32_t step;
  mlp_text statistic;
  uint32_t argument;
  uint64_t begin;
  uint64_t end;
} mlp_read_statistic;

extern const mlp_shape mlp_read_statistic_shape;
static inline mlp_status mlp_encode_read_statistic(mlp_buffer *out, const mlp_read_statistic *message, uint32_t epoch, uint64_t request) {
  return mlp_encode_control(out, &mlp_read_statistic_shape, message, epoch, request);
}
static inline mlp_status mlp_decode_read_statistic(const uint8_t *frame, size_t size, mlp_arena *arena, mlp_envelope *envelope, mlp_read_statistic *message) {
  return mlp_decode_control(frame, size, arena, &mlp_read_statistic_shape, envelope, message);
}

/* ---- Statistic ---- */

typedef struct mlp_statistic {
  uint8_t dtype;
  mlp_bytes values;
} mlp_statistic;

extern const mlp_shape mlp_statistic_shape;
static inline mlp_status mlp_encode_statistic(mlp_buffer *out, const mlp_statistic *message, uint32_t epoch, uint64_t request) {
  return mlp_encode_control(out, &mlp_statistic_shape, message, epoch, request);
}
static inline mlp_status mlp_decode_statistic(const uint8_t *frame, size_t size, mlp_arena *arena, mlp_envelope *envelope, mlp_statistic *message) {
  return mlp_decode_control(frame, size, arena, &mlp_statistic_shape, envelope, message);
}

/* ---- ReadConvergence ---- */

typedef struct mlp_read_convergence {
  double min_variance_share;
  double level;
  const double *max_variance;
  uint32_t max_variance_count;
} mlp_read_convergence;

extern const mlp_shape mlp_read_convergence_shape;
static inline mlp_status mlp_encode_read_convergence(mlp_buffer *out, const mlp_read_convergence *message, uint32_t epoch, uint64_t request) {
  return mlp_encode_control(out, &mlp_read_convergence_shape, message, epoch, request);
}
static inline mlp_status mlp_decode_read_convergence(const uint8_t *frame, size_t size, mlp_arena *arena, mlp_envelope *envelope, mlp_read_convergence *message) {
  return mlp_decode_control(frame, size, arena, &mlp_read_convergence_shape, envelope, message);
}

/* ---- Convergence ---- */

typedef struct mlp_convergence {
  uint64_t groups;
  double widest;
  double median_width;
  uint64_t cells;
  const double *max_variance;
  uint32_t max_variance_count;
} mlp_convergence;

extern const mlp_shape mlp_convergence_shape;
static inline mlp_status mlp_encode_convergence(mlp_buffer *out, const mlp_convergence *message, uint32_t epoch, uint64_t request) {
  return mlp_encode_control(out, &mlp_convergence_shape, message, epoch, request);
}
static inline mlp_status mlp_decode_convergence(const uint8_t *frame, size_t size, mlp_arena *arena, mlp_envelope *envelope, mlp_convergence *message) {
  return mlp_decode_control(frame, size, arena, &mlp_convergence_shape, envelope, message);
}

/* ---- ReadDigest ---- */

typedef struct mlp_read_digest {
  uint8_t unused; /* C has no empty struct */
} mlp_read_digest;

extern const mlp_shape mlp_read_digest_shape;
static inline mlp_status mlp_encode_read_digest(mlp_buffer *out, const mlp_read_digest *message, uint32_t epoch, uint64_t request) {
  return mlp_encode_control(out, &mlp_read_digest_shape, message, epoch, request);
}
static inline mlp_status mlp_decode_read_digest(const uint8_t *frame, size_t size, mlp_arena *arena, mlp_envelope *envelope, mlp_read_digest *message) {
  return mlp_decode_control(frame, size, arena, &mlp_read_digest_shape, envelope, message);
}

/* ---- Digest ---- */

typedef struct mlp_digest_digests {
  mlp_text consumer;
  uint64_t digest;
  uint64_t units;
} mlp_digest_digests;

typedef struct mlp_digest {
  const mlp_digest_digests *digests;
  uint32_t digests_count;
} mlp_digest;

extern const mlp_shape mlp_digest_shape;
static inline mlp_status mlp_encode_digest(mlp_buffer *out, const mlp_digest *message, uint32_t epoch, uint64_t request) {
  return mlp_encode_control(out, &mlp_digest_shape, message, epoch, request);
}
static inline mlp_status mlp_decode_digest(const uint8_t *frame, size_t size, mlp_arena *arena, mlp_envelope *envelope, mlp_digest *message) {
  return mlp_decode_control(frame, size, arena, &mlp_digest_shape, envelope, message);
}

/* ---- Fold ---- */

typedef struct mlp_fold {
  uint32_t simulation;
  uint16_t draw;
  uint16_t attempt;
} mlp_fold;

extern const mlp_shape mlp_fold_shape;
static inline mlp_status mlp_encode_fold(mlp_buffer *out, const mlp_fold *message, uint32_t epoch, uint64_t request) {
  return mlp_encode_control(out, &mlp_fold_shape, message, epoch, request);
}
static inline mlp_status mlp_decode_fold(const uint8_t *frame, size_t size, mlp_arena *arena, mlp_envelope *envelope, mlp_fold *message) {
  return mlp_decode_control(frame, size, arena, &mlp_fold_shape, envelope, message);
}

/* ---- RankHeartbeat ---- */

typedef struct mlp_rank_heartbeat {
  uint8_t unused; /* C has no empty struct */
} mlp_rank_heartbeat;

extern const mlp_shape mlp_rank_heartbeat_shape;
static inline mlp_status mlp_encode_rank_heartbeat(mlp_buffer *out, const mlp_rank_heartbeat *message, uint32_t epoch, uint64_t request) {
  return mlp_encode_control(out, &mlp_rank_heartbeat_shape, message, epoch, request);
}
static inline mlp_status mlp_decode_rank_heartbeat(const uint8_t *frame, size_t size, mlp_arena *arena, mlp_envelope *envelope, mlp_rank_heartbeat *message) {
  return mlp_decode_control(frame, size, arena, &mlp_rank_heartbeat_shape, envelope, message);
}

/* ---- Open ---- */

typedef struct mlp_open_fields {
  uint16_t index;
  uint8_t dtype;
  mlp_bytes cells;
} mlp_open_fields;

typedef struct mlp_open {
  mlp_text token;
  uint64_t client;
  uint32_t client_rank;
  uint32_t client_ranks;
  uint32_t simulation;
  uint16_t draw;
  uint16_t attempt;
  uint64_t first_unacknowledged;
  mlp_text host;
  const mlp_open_fields *fields;
  uint32_t fields_count;
} mlp_open;

extern const mlp_shape mlp_open_shape;
static inline mlp_status mlp_encode_open(mlp_buffer *out, const mlp_open *message, uint32_t epoch) {
  return mlp_encode_data(out, &mlp_open_shape, message, epoch);
}
static inline mlp_status mlp_decode_open(const uint8_t *frame, size_t size, mlp_arena *arena, mlp_envelope *envelope, mlp_open *message) {
  return mlp_decode_data(frame, size, arena, &mlp_open_shape, envelope, message);
}

/* ---- Opened ---- */

typedef struct mlp_opened {
  uint64_t instance;
  uint64_t held;
  uint64_t credit_limit;
  mlp_text ring;
  uint32_t simulation;
  uint16_t draw;
  uint16_t attempt;
} mlp_opened;

extern const mlp_shape mlp_opened_shape;
static inline mlp_status mlp_encode_opened(mlp_buffer *out, const mlp_opened *message, uint32_t epoch) {
  return mlp_encode_data(out, &mlp_opened_shape, message, epoch);
}
static inline mlp_status mlp_decode_opened(const uint8_t *frame, size_t size, mlp_arena *arena, mlp_envelope *envelope, mlp_opened *message) {
  return mlp_decode_data(frame, size, arena, &mlp_opened_shape, envelope, message);
}

/* ---- Ack ---- */

typedef struct mlp_ack {
  uint32_t simulation;
  uint16_t attempt;
  uint64_t held;
  uint64_t credit_limit;
} mlp_ack;

extern const mlp_shape mlp_ack_shape;
static inline mlp_status mlp_encode_ack(mlp_buffer *out, const mlp_ack *message, uint32_t epoch) {
  return mlp_encode_data(out, &mlp_ack_shape, message, epoch);
}
static inline mlp_status mlp_decode_ack(const uint8_t *frame, size_t size, mlp_arena *arena, mlp_envelope *envelope, mlp_ack *message) {
  return mlp_decode_data(frame, size, arena, &mlp_ack_shape, envelope, message);
}

/* ---- DataRefused ---- */

typedef struct mlp_data_refused {
  uint32_t simulation;
  uint16_t draw;
  uint16_t attempt;
  uint8_t retry;
  mlp_text code;
  mlp_text message;
  mlp_text remedy;
} mlp_data_refused;

extern const mlp_shape mlp_data_refused_shape;
static inline mlp_status mlp_encode_data_refused(mlp_buffer *out, const mlp_data_refused *message, uint32_t epoch) {
  return mlp_encode_data(out, &mlp_data_refused_shape, message, epoch);
}
static inline mlp_status mlp_decode_data_refused(const uint8_t *frame, size_t size, mlp_arena *arena, mlp_envelope *envelope, mlp_data_refused *message) {
  return mlp_decode_data(frame, size, arena, &mlp_data_refused_shape, envelope, message);
}

/* ---- Close ---- */

typedef struct mlp_close {
  uint32_t simulation;
  uint16_t draw;
  uint16_t attempt;
  uint64_t client;
  uint32_t client_rank;
} mlp_close;

extern const mlp_shape mlp_close_shape;
static inline mlp_status mlp_encode_close(mlp_buffer *out, const mlp_close *message, uint32_t epoch) {
  return mlp_encode_data(out, &mlp_close_shape, message, epoch);
}
static inline mlp_status mlp_decode_close(const uint8_t *frame, size_t size, mlp_arena *arena, mlp_envelope *envelope, mlp_close *message) {
  return mlp_decode_data(frame, size, arena, &mlp_close_shape, envelope, message);
}

#ifdef __cplusplus
}
#endif
#endif

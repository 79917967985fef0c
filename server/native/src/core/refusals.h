// SPDX-License-Identifier: Apache-2.0
/* The refusals of a rank: one function a row of docs/errors.md, so that code and remedy stay together (src/errors.ts has the same rows). */
#pragma once
#include "core/wire.h"

namespace melissa::refusals {

inline Refusal token() { return {"ETOKEN", "the token is not this study's", "Give the client the token file of the study (MELISSA_TOKEN_FILE).", 0}; }
inline Refusal version(uint16_t theirs) {
  return {"EVERSION", "the peer speaks version " + std::to_string(theirs) + " of the data protocol, this rank speaks version 1",
          "Link the solver with the libmelissa that belongs to this server.", 0};
}
inline Refusal frame(mlp_status status) {
  return {mlp_status_name(status), "the message is not a frame of the data protocol", "Only libmelissa may connect to a rank's data socket.", 0};
}
inline Refusal damaged(mlp_status status) {
  return {mlp_status_name(status), "the frame was damaged on its way", "Nothing to do: the client opens the session again and resends.", 2};
}
inline Refusal epoch(uint32_t theirs, uint32_t ours) {
  return {"EEPOCH", "the frame is of epoch " + std::to_string(theirs) + ", the head's is " + std::to_string(ours),
          "Nothing to do: the client greets the head again and goes on.", 1};
}
inline Refusal simulation(uint32_t simulation) {
  return {"ESIMULATION", "simulation " + std::to_string(simulation) + " is not in the plan", "Do not set MELISSA_SIMULATION by hand.", 0};
}
inline Refusal attempt(uint16_t draw, uint16_t attempt) {
  return {"EATTEMPT", "the attempt was replaced by draw " + std::to_string(draw) + ", attempt " + std::to_string(attempt) + ", or has failed",
          "Nothing to do: the simulation is leased again if it is still wanted.", 0};
}
inline Refusal taken() {
  return {"ETAKEN", "another client already speaks for this attempt", "Start each simulation once; a solver must call melissa_init from one communicator.", 0};
}
inline Refusal session() { return {"ESESSION", "there is no such session", "Nothing to do: the client opens the session again.", 2}; }
inline Refusal sequence(uint64_t got, uint64_t expected) {
  return {"ESEQUENCE", "frame " + std::to_string(got) + " came, frame " + std::to_string(expected) + " was expected",
          "Nothing to do: the client opens the session again and resends.", 2};
}
inline Refusal notAnnounced(const std::string& field) {
  return {"EFIELD_ANNOUNCED", "field \"" + field + "\" was not announced in Open", "Nothing to do: the client opens the session again with the field.", 2};
}
inline Refusal payload() {
  return {"EFRAME_PAYLOAD", "the values do not have the hash that the header names", "Nothing to do: the client opens the session again and resends.", 2};
}
inline Refusal communicator(std::string why) {
  return {"ECOMMUNICATOR", std::move(why), "Run every attempt and every member of a group with the same number of client ranks and the same partition.", 0};
}
inline Refusal fieldUnknown(uint16_t index) {
  return {"EFIELD_UNKNOWN", "field " + std::to_string(index) + " is not in the study", "Name the field under `fields` in the manifest.", 0};
}
inline Refusal fieldType(const std::string& field) {
  return {"EFIELD_TYPE", "field \"" + field + "\" is sent with another type than the study's", "Give `type` in the manifest the type that the solver sends.", 0};
}
inline Refusal fieldSize(std::string why) {
  return {"EFIELD_SIZE", std::move(why), "Give `shape` in the manifest the number of cells that the solver's ranks have together.", 0};
}
inline Refusal step(const std::string& field, uint32_t step) {
  return {"ESTEP", "field \"" + field + "\": step " + std::to_string(step) + " is not kept by the study",
          "Give `time.steps` in the manifest the number of steps that the solver sends.", 0};
}
inline Refusal block(const std::string& field) {
  return {"EBLOCK", "field \"" + field + "\": the frame is not the overlap of its client rank with this server rank",
          "Link the solver with the libmelissa that belongs to this server.", 0};
}
inline Refusal nonFinite(const std::string& field, uint32_t step) {
  return {"ENONFINITE", "field \"" + field + "\", step " + std::to_string(step) + ": not every value is finite",
          "Mend the solver, or choose `nonFinite: Skip` or `Propagate` in the manifest.", 0};
}

}  // namespace melissa::refusals

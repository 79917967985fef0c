// SPDX-License-Identifier: Apache-2.0
//! Empty on purpose: cargo wants a target, and this package only names sources.

#include "src/memory/ledger.h"

#include <utility>

#include "cinch/error.h"
#include "src/memory/atomic_max.h"

namespace cinch::memory {

void Ledger::Cell::move(int64_t change, int64_t charged) noexcept {
  const int64_t now = current.fetch_add(change, std::memory_order_relaxed) + change;
  raise_to(peak, now);
  total.fetch_add(charged, std::memory_order_relaxed);
}

void Ledger::Cell::release(int64_t bytes) noexcept {
  move(-bytes, 0);
  released.fetch_add(bytes, std::memory_order_relaxed);
}

void Ledger::Cell::reset_peak() noexcept {
  peak.store(current.load(std::memory_order_relaxed), std::memory_order_relaxed);
  raise_to(peak, current.load(std::memory_order_relaxed));
}

Totals Ledger::Cell::read() const noexcept {
  return {current.load(std::memory_order_relaxed), peak.load(std::memory_order_relaxed),
          total.load(std::memory_order_relaxed), released.load(std::memory_order_relaxed)};
}

int32_t Ledger::add_site(std::string name) {
  const std::lock_guard lock(names_mutex_);
  if (sites() >= kMaxSites) {
    throw Error("The ledger is full at " + std::to_string(kMaxSites) + " sites; '" + name +
                "' cannot be added: name fewer layers, or make a new guard for each graph.");
  }
  names_.push_back(std::move(name));
  return cells_.add();
}

std::string Ledger::name(int32_t site) const {
  cell(site);
  const std::lock_guard lock(names_mutex_);
  return names_[static_cast<size_t>(site)];
}

Ledger::Cell& Ledger::cell(int32_t site) const {
  if (site < 0 || site >= sites()) {
    throw Error("The ledger has no site " + std::to_string(site) + "; it has " + std::to_string(sites()) + ".");
  }
  return cells_[site];
}

void Ledger::charge(int32_t site, int64_t bytes) {
  cell(site).move(bytes, bytes);
  all_.move(bytes, bytes);
}

void Ledger::release(int32_t site, int64_t bytes) {
  cell(site).release(bytes);
  all_.release(bytes);
}

void Ledger::recharge(int32_t site, int64_t from, int64_t to) {
  cell(site).move(to - from, to);
  all_.move(to - from, to);
}

Totals Ledger::totals() const noexcept { return all_.read(); }

Totals Ledger::site(int32_t site) const { return cell(site).read(); }

void Ledger::reset_peaks() noexcept {
  all_.reset_peak();
  for (int32_t i = 0; i < sites(); ++i) {
    cell(i).reset_peak();
  }
}

}  // namespace cinch::memory

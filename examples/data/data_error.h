/// The data set is missing or damaged. what() is one sentence that names the file and what to do.
#pragma once

#include "cinch/error.h"

namespace cinch::data {

class DataError : public Error {
 public:
  using Error::Error;
};

}  // namespace cinch::data

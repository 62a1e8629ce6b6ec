// Grids that walks of warps meet: slabs, rows and runs that end within a chunk, within a tile, or after many tiles.
#pragma once

#include <vector>

#include "cinch/codec.h"

namespace cinch::testing {

inline std::vector<Grid> walk_grids() {
  return {{1, {1, 1, 1}, 1, 1},   {1, {1, 1, 3}, 1, 1},   {1, {1, 1, 5000}, 1, 1},  {1, {1, 1, 70'001}, 1, 1},
          {6, {1, 7, 7}, 1, 3},   {12, {1, 1, 1}, 1, 4},  {300, {1, 1, 1}, 1, 100}, {40, {1, 3, 5}, 1, 20},
          {8, {4, 5, 6}, 1, 2},   {3, {1, 1, 600}, 1, 3}, {2, {1, 28, 28}, 1, 2},   {3, {1, 1, 1}, 700, 1},
          {2, {1, 5, 7}, 24, 1},  {4, {1, 1, 50}, 3, 2},  {9, {1, 8, 16}, 1, 3},    {2, {2, 3, 5}, 1000, 2},
          {5, {1, 1, 9}, 1, 5},   {6, {1, 14, 14}, 1, 6}, {2, {1, 1, 4}, 2, 2},     {1, {1, 33, 31}, 1, 1},
          {2, {9, 17, 10}, 6, 1}, {3, {3, 70, 65}, 1, 3}, {1, {1, 1, 130}, 37, 1},  {2, {1, 64, 128}, 1, 1}};
}

}  // namespace cinch::testing

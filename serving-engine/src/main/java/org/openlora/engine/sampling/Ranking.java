package org.openlora.engine.sampling;

/// Finds where a prefix of a ranking ends, without sorting: quickselect (Hoare, 1961).
///
/// The ranking goes by value, largest first, and of equal values by place, lowest first: no two entries tie, so a
/// prefix is one set whatever the pivots.
final class Ranking {
    private final float[] values;
    private final int[] order;

    /// @param values none NaN
    /// @param capacity most entries ranked
    Ranking(float[] values, int capacity) {
        this.values = values;
        this.order = new int[capacity];
    }

    /// The entry of rank `count - 1` among the first `size` values: with all that rank before it, the `count` best.
    ///
    /// @param count from 1 to `size`
    int lastOfTop(int count, int size) {
        reset(size);
        int low = 0;
        int high = size - 1;
        while (low < high) {
            int pivot = partition(low, high);
            if (pivot == count - 1) {
                return order[pivot];
            }
            if (pivot >= count) {
                high = pivot - 1;
            } else {
                low = pivot + 1;
            }
        }
        return order[low];
    }

    /// The entry with which the weights, summed from the best on, reach `mass`; the last if they never do.
    ///
    /// @param weights of the values
    int lastOfMass(double mass, float[] weights, int size) {
        reset(size);
        double missing = mass;
        int low = 0;
        int high = size - 1;
        while (low < high) {
            int pivot = partition(low, high);
            double before = 0;
            for (int rank = low; rank < pivot; rank++) {
                before += weights[order[rank]];
            }
            double with = before + weights[order[pivot]];
            if (before < missing && missing <= with) {
                return order[pivot];
            }
            if (missing <= before) {
                high = pivot - 1;
            } else {
                missing -= with;
                low = pivot + 1;
            }
        }
        return order[low];
    }

    /// Whether `left` ranks before `right`.
    boolean before(int left, int right) {
        float leftValue = values[left];
        float rightValue = values[right];
        return leftValue == rightValue ? left < right : leftValue > rightValue;
    }

    private void reset(int size) {
        for (int i = 0; i < size; i++) {
            order[i] = i;
        }
    }

    /// Brings what ranks before some entry of `low..high` to its left, the rest to its right.
    ///
    /// @return where that entry stands now
    private int partition(int low, int high) {
        swap((low + high) >>> 1, high);
        int pivot = order[high];
        int end = low;
        for (int i = low; i < high; i++) {
            boolean before = before(order[i], pivot);
            swap(i, end); // also where it changes nothing that matters: branches would be mispredicted
            end += before ? 1 : 0;
        }
        swap(end, high);
        return end;
    }

    private void swap(int left, int right) {
        int moved = order[left];
        order[left] = order[right];
        order[right] = moved;
    }
}

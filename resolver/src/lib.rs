//! The decision: requirements, a catalog and preferences become a resolution or a conflict explained

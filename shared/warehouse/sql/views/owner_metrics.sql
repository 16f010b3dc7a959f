-- The owner's own numbers that count: of whatever was sent twice, the newest.
-- Unique: channel_id, metric_id. Never NULL: metric_id, channel_id, date, name, value, unit, as_of. Days: date.
-- metric_id: made of channel, video, day and name
-- channel_id: the channel that the number is about
-- video_id: the video that it is about; NULL for the channel as a whole
-- date: the day that it is about
-- name: what it measures: cost, plan_views, plan_estimated_revenue, or any other word
-- value: the number
-- unit: what it is counted in: USD, hours, videos, ...
-- as_of: when it was said; a correction is said later
SELECT metric_id, channel_id, video_id, date, name, value, unit, as_of
FROM `{dataset}.internal_metrics`
QUALIFY ROW_NUMBER() OVER (PARTITION BY channel_id, metric_id, date ORDER BY as_of DESC, value DESC, unit) = 1

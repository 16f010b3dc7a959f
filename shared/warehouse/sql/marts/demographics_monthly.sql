-- Who watched each channel in each month, as Analytics says: from the channel's birth on.
-- Unique: channel_id, date, age_group, gender. Never NULL: channel_id, date, age_group, gender, as_of. Days: date.
-- channel_id: the channel
-- date: the month's first day
-- age_group: the age group, in YouTube's word
-- gender: the gender, in YouTube's word
-- viewer_percentage: the group's share of the viewers whom YouTube knows, in per cent
-- as_of: when Analytics was asked
SELECT
  channel_id,
  date,
  JSON_VALUE(dimensions, '$.ageGroup') AS age_group,
  JSON_VALUE(dimensions, '$.gender') AS gender,
  CAST(JSON_VALUE(metrics, '$.viewerPercentage') AS NUMERIC) AS viewer_percentage,
  asked_at AS as_of
FROM `{dataset}.current_analytics`
WHERE query = 'demographics_monthly'

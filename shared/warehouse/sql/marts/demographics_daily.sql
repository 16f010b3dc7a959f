-- Who watched each video on each Pacific day: the share of each age group and gender, as its bulk report says.
-- YouTube gives shares of each country's and viewer group's views; they are weighted by those views, because the average
-- of shares is no share. The shares of one video and day add up to 100.
-- Unique: channel_id, date, video_id, age_group, gender. Never NULL: channel_id, date. Days: date.
-- channel_id: the channel
-- date: the Pacific day
-- video_id: the video; NULL where YouTube names none
-- age_group: the code that YouTube's report has
-- age: what the code means; the code itself where nobody has said
-- gender: the code that YouTube's report has
-- gender_name: what the code means; the code itself where nobody has said
-- views_percentage: the group's share of the views whose viewers YouTube knows, in per cent; NULL where the
--   channel_basic_a3 report, which has the views, has not come
WITH
parts AS (
  SELECT
    channel_id, date, video_id, live_or_on_demand, subscribed_status, country_code,
    age_group, gender, views_percentage, NULL AS views
  FROM `{dataset}.channel_demographics`
  UNION ALL
  SELECT
    channel_id, date, video_id, live_or_on_demand, subscribed_status, country_code,
    NULL, NULL, NULL, views
  FROM `{dataset}.channel_basic`
),
weighted AS (
  SELECT
    channel_id,
    date,
    video_id,
    age_group,
    gender,
    views_percentage,
    SUM(views) OVER (
      PARTITION BY channel_id, date, video_id, live_or_on_demand, subscribed_status, country_code
    ) AS weight
  FROM parts
),
shares AS (
  SELECT channel_id, date, video_id, age_group, gender, SUM(views_percentage * weight) AS share
  FROM weighted
  WHERE views_percentage IS NOT NULL
  GROUP BY channel_id, date, video_id, age_group, gender
)
SELECT
  shares.channel_id,
  shares.date,
  shares.video_id,
  shares.age_group,
  IFNULL(age_names.name, shares.age_group) AS age,
  shares.gender,
  IFNULL(gender_names.name, shares.gender) AS gender_name,
  ROUND(
    CAST(
      SAFE_DIVIDE(
        shares.share * 100,
        SUM(shares.share) OVER (PARTITION BY shares.channel_id, shares.date, shares.video_id)
      ) AS BIGNUMERIC
    ),
    4
  ) AS views_percentage
FROM shares
LEFT JOIN `{dataset}.code_names` AS age_names
  ON age_names.dimension = 'age_group' AND age_names.code = shares.age_group
LEFT JOIN `{dataset}.code_names` AS gender_names
  ON gender_names.dimension = 'gender' AND gender_names.code = shares.gender
